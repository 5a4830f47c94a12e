"""The common part of triggers that are a fixed white pattern in a fixed place."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import lru_cache
from typing import ClassVar

import torch
from torch import Generator, Tensor

from peephole.triggers.base import Stamped
from peephole.triggers.geometry import check_side
from peephole.triggers.lengths import check_length

WHITE = 1.0


class Pattern(ABC):
    """White pixels in a fixed place: ``x' = x ⊙ (1 − M_t) + M_t`` (P1, A.1 with Δ = 1).

    A subclass says which pixels each target's mark covers and where the truth about it is.
    """

    title: ClassVar[str]
    source: ClassVar[str]
    targets: tuple[int, ...] = (0,)

    @abstractmethod
    def marks(self, side: int) -> tuple[Tensor, ...]:
        """For each target, bool ``[side,side]``: the pixels that turn white."""

    @abstractmethod
    def truths(self, side: int) -> tuple[Tensor, ...]:
        """For each target, bool ``[side,side]``: the truth mask."""

    def masks(self, side: int) -> tuple[Tensor, Tensor]:
        """Marks and truth masks, both bool ``[T,side,side]``."""
        check_length(side)
        return _stacked(type(self), side)

    def stamp(self, x: Tensor, generator: Generator | None = None) -> Stamped:
        """Put on the marks of all targets.

        Args:
            x: float32 ``[B,C,S,S]`` in [0,1], S at least 16.
            generator: not used, nothing about a pattern is random.

        Raises:
            PeepholeError: the pictures are not square, or too small.
        """
        marks, truths = (masks.to(x.device) for masks in self.masks(check_side(x)))
        everywhere = (len(x), *marks.shape)
        return Stamped(
            image=torch.where(marks.any(0), WHITE, x),
            mask=truths.expand(everywhere),
            exact=marks.expand(everywhere),
        )

    def stamp_target(self, x: Tensor, which: int, generator: Generator | None = None) -> Tensor:
        """Put on only the mark that leads to ``targets[which]``; same shape as ``x``."""
        marks, _ = self.masks(check_side(x))
        return torch.where(marks[which].to(x.device), WHITE, x)


@lru_cache(maxsize=32)
def _stacked(kind: type[Pattern], side: int) -> tuple[Tensor, Tensor]:
    trigger = kind()
    return torch.stack(trigger.marks(side)), torch.stack(trigger.truths(side))
