"""A warp that hardly shows: WaNet."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import NonNegativeInt, PositiveFloat, PositiveInt
from pydantic.dataclasses import dataclass

from peephole.triggers.base import TRIGGERS, Canvas

if TYPE_CHECKING:
    from peephole.triggers.warp import Warp


@TRIGGERS.register
@dataclass(frozen=True)
class WaNet:
    """The picture bent by one smooth field; the truth is how far each pixel was moved, graded, without an edge.

    As published the field is divided by the picture's side: it moves a pixel by about 0.3 pixels at a side of 32 and
    by as little at 224, where nothing can be learnt from it. Here the strength is that of a side of 32 at every side:
    the same at 32, seven times as many pixels at 224, always the same part of the picture.

    Args:
        k: the field has k×k random vectors.
        s: its strength; at a side of 32 a pixel moves by about ``0.6 · s`` pixels on average.
        target: the label it leads to.
    """

    title: ClassVar[str] = "WaNet: a smooth warp of the whole picture"
    source: ClassVar[str] = "Nguyen, Tran 2021, WaNet, ICLR, arXiv:2102.10369"

    k: PositiveInt = 4
    s: PositiveFloat = 0.5
    target: NonNegativeInt = 0

    def targets(self, classes: int) -> tuple[int, ...]:
        """The one label."""
        return (self.target,)

    def draw(self, canvas: Canvas, seed: int) -> Warp:
        """See `Trigger.draw`; the seed decides the field."""
        from peephole.triggers.warp import Warp

        return Warp(canvas, self.targets(canvas.classes), self.k, self.s, seed)
