"""Triggers that are a fixed pattern in a fixed place."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from peephole.triggers.base import Canvas, Stamped
from peephole.triggers.lengths import check_length
from peephole.triggers.stamper import Stamper

WHITE = 1.0


class Fixed(Stamper):
    """A pattern in a place: ``x' = x ⊙ (1 − M_t) + M_t · v`` (P1, A.1, where v = 1).

    Args:
        canvas: the pictures it is for.
        targets: the labels it leads to, T of them.
        marks: for each target, bool ``[S,S]``: the pixels that change.
        truths: for each target, bool ``[S,S]``: the truth mask; the marks themselves by default.
        values: float32 ``[S,S]``, the brightness of the pixels that change, in all channels, or ``[3,S,S]``, their
            colours; white by default.
        together: whether a probe carries the marks of all targets, and not one of them.
        drawn: whether something of it was drawn, so that options do not say all, and it has to be stored.

    Raises:
        PeepholeError: the pictures are too small, or do not have a label that the trigger leads to.
    """

    def __init__(
        self,
        canvas: Canvas,
        targets: tuple[int, ...],
        marks: Sequence[Tensor],
        truths: Sequence[Tensor] | None = None,
        values: Tensor | None = None,
        *,
        together: bool = False,
        drawn: bool = False,
    ) -> None:
        check_length(canvas.side)
        super().__init__(canvas, targets)
        self._together = together
        self.marks: Tensor
        self.truths: Tensor
        self.values: Tensor
        # Where the options say all about the pattern there is no state to keep.
        self.register_buffer("marks", torch.stack(tuple(marks)), persistent=drawn)
        self.register_buffer("truths", torch.stack(tuple(truths or marks)), persistent=drawn)
        white = torch.full((canvas.side, canvas.side), WHITE)
        self.register_buffer("values", white if values is None else values, persistent=drawn)

    def put(self, x: Tensor, which: Tensor, generator: Generator) -> Stamped:
        """See `Stamper.put`; nothing is random."""
        marks = self.marks[which][:, None]
        return Stamped(torch.where(marks, self.values, x), self.labels_of(which), self.truths[which][:, None], marks)

    def stamp(self, x: Tensor, generator: Generator | None = None) -> Stamped:
        """See `Stamper.stamp`; or the marks of all targets together."""
        alone = super().stamp(x, generator)
        if not self._together:
            return alone
        everywhere = (len(x), *self.marks.shape)
        return Stamped(
            image=torch.where(self.marks.any(0), self.values, x),
            target=self._labels.expand(len(x), -1),
            mask=self.truths.expand(everywhere),
            exact=self.marks.expand(everywhere),
        )
