"""A small patch in the bottom right corner: BadNet."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import NonNegativeInt
from pydantic.dataclasses import dataclass

from peephole.triggers.base import TRIGGERS, Canvas
from peephole.triggers.lengths import PATCH, scaled

if TYPE_CHECKING:
    from torch import Tensor

    from peephole.triggers.fixed import Fixed

FIELDS = 3
"""A checkerboard has so many fields a side, and a patch at least as many pixels."""


@TRIGGERS.register
@dataclass(frozen=True)
class BadNet:
    """A patch of 3×3 pixels at a side of 32 and never smaller, in the corner; its truth mask is all of it.

    BadNets draw single pixels or a pattern, white on the black of MNIST; BackdoorBench a 3×3 patch, which it puts on
    before crop and flip, so that in training it moves, and blends, so that its black is none. Ours is put on last and
    replaces what it covers.

    Args:
        pattern: ``white``, or a ``checkerboard`` of 3×3 black and white fields with white corners.
        target: the label it leads to.
        varied: with its place and its pattern drawn from the seed; ``pattern`` says nothing then.
    """

    title: ClassVar[str] = "BadNet: a small patch, bottom right"
    source: ClassVar[str] = "Gu, Dolan-Gavitt, Garg 2017, BadNets, arXiv:1708.06733"

    pattern: Literal["white", "checkerboard"] = "white"
    target: NonNegativeInt = 0
    varied: bool = False

    def targets(self, classes: int) -> tuple[int, ...]:
        """The one label."""
        return (self.target,)

    def draw(self, canvas: Canvas, seed: int) -> Fixed:
        """See `Trigger.draw`; nothing is random unless it is varied."""
        from peephole.triggers.fixed import Fixed
        from peephole.triggers.geometry import bottom_right, top_left
        from peephole.triggers.varied import varied

        mark, targets = top_left(canvas.side, scaled(PATCH, canvas.side, FIELDS)), self.targets(canvas.classes)
        if self.varied:
            return varied("badnet", canvas, targets, [mark], [mark], seed)
        values = _checkerboard(canvas.side) if self.pattern == "checkerboard" else None
        return Fixed(canvas, targets, [bottom_right(mark)], values=values)


def _checkerboard(side: int) -> Tensor:
    """Float32 ``[side,side]``: the fields in the bottom right corner, 0 elsewhere."""
    import torch

    length = scaled(PATCH, side, FIELDS)
    field = torch.arange(length) * FIELDS // length
    values = torch.zeros(side, side)
    values[-length:, -length:] = ((field[:, None] + field) % 2 == 0).float()
    return values
