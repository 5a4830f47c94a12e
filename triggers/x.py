"""Two 1-pixel diagonals in the top left corner: P1's trigger for fine-grained localization."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import NonNegativeInt
from pydantic.dataclasses import dataclass

from peephole.triggers.base import TRIGGERS, Canvas

if TYPE_CHECKING:
    from peephole.triggers.fixed import Fixed


@TRIGGERS.register
@dataclass(frozen=True)
class X:
    """White X, ``M_t = [(0 ≤ i, j < 64) & (j = i or j = 63 − i)]`` at 224.

    Its truth mask ``M2`` is the same X, 16 wide at 224 and never under 3.

    Args:
        target: the label it leads to.
        varied: with its place and its pattern drawn from the seed, instead of white and in that corner.
    """

    title: ClassVar[str] = "White X of 1 pixel, top left"
    source: ClassVar[str] = "Delve into the layer choice of BP-based attribution explanations, A.1"

    target: NonNegativeInt = 0
    varied: bool = False

    def targets(self, classes: int) -> tuple[int, ...]:
        """The one label."""
        return (self.target,)

    def draw(self, canvas: Canvas, seed: int) -> Fixed:
        """See `Trigger.draw`; nothing is random unless it is varied."""
        from peephole.triggers.fixed import Fixed
        from peephole.triggers.geometry import broad_x, thin_x
        from peephole.triggers.varied import varied

        mark, truth, targets = thin_x(canvas.side), broad_x(canvas.side), self.targets(canvas.classes)
        if self.varied:
            return varied("x", canvas, targets, [mark], [truth], seed)
        return Fixed(canvas, targets, [mark], [truth])
