"""The white cross in the bottom right corner: the second half of P1's class-sensitivity trigger, on its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import NonNegativeInt
from pydantic.dataclasses import dataclass

from peephole.triggers.base import TRIGGERS, Canvas

if TYPE_CHECKING:
    from peephole.triggers.fixed import Fixed


@TRIGGERS.register
@dataclass(frozen=True)
class Cross:
    """The X of `x`, turned into the bottom right corner.

    P1 calls it a cross and says (A.1) that the class-sensitivity triggers are "the two triggers mentioned above",
    the X and the square; so the cross is the 1-pixel X. Alone it measures what `x` measures, in the other corner:
    a method that only likes the top left is found out.

    Args:
        target: the label it leads to.
        varied: with its place and its pattern drawn from the seed, instead of white and in that corner.
    """

    title: ClassVar[str] = "White cross of 1 pixel, bottom right"
    source: ClassVar[str] = "Delve into the layer choice of BP-based attribution explanations, 3.2 and A.1"

    target: NonNegativeInt = 1
    varied: bool = False

    def targets(self, classes: int) -> tuple[int, ...]:
        """The one label."""
        return (self.target,)

    def draw(self, canvas: Canvas, seed: int) -> Fixed:
        """See `Trigger.draw`; nothing is random unless it is varied."""
        from peephole.triggers.fixed import Fixed
        from peephole.triggers.geometry import bottom_right, broad_x, thin_x
        from peephole.triggers.varied import varied

        mark, truth, targets = thin_x(canvas.side), broad_x(canvas.side), self.targets(canvas.classes)
        if self.varied:
            return varied("cross", canvas, targets, [mark], [truth], seed)
        return Fixed(canvas, targets, [bottom_right(mark)], [bottom_right(truth)])
