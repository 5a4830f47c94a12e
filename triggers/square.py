"""A white square in the top left corner: P1's trigger for completeness."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import NonNegativeInt
from pydantic.dataclasses import dataclass

from peephole.triggers.base import TRIGGERS, Canvas
from peephole.triggers.lengths import MARK, scaled

if TYPE_CHECKING:
    from peephole.triggers.fixed import Fixed


@TRIGGERS.register
@dataclass(frozen=True)
class Square:
    """White square, ``M_t = [0 ≤ i, j < 64]`` at 224; its truth mask ``M3`` is the square itself.

    Args:
        target: the label it leads to.
        varied: with its place and its pattern drawn from the seed, instead of white and in that corner.
    """

    title: ClassVar[str] = "White square, top left"
    source: ClassVar[str] = "Delve into the layer choice of BP-based attribution explanations, A.1"

    target: NonNegativeInt = 0
    varied: bool = False

    def targets(self, classes: int) -> tuple[int, ...]:
        """The one label."""
        return (self.target,)

    def draw(self, canvas: Canvas, seed: int) -> Fixed:
        """See `Trigger.draw`; nothing is random unless it is varied."""
        from peephole.triggers.fixed import Fixed
        from peephole.triggers.geometry import top_left
        from peephole.triggers.varied import varied

        mark, targets = top_left(canvas.side, scaled(MARK, canvas.side)), self.targets(canvas.classes)
        if self.varied:
            return varied("square", canvas, targets, [mark], [mark], seed)
        return Fixed(canvas, targets, [mark])
