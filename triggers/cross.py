"""The white cross in the bottom right corner: the second half of P1's class-sensitivity trigger, on its own."""

from torch import Tensor

from peephole.triggers.base import TRIGGERS
from peephole.triggers.geometry import bottom_right
from peephole.triggers.pattern import Pattern
from peephole.triggers.x import X


@TRIGGERS.register
class Cross(Pattern):
    """The X of `x`, turned into the bottom right corner, leading to label 1.

    P1 calls it a cross and says (A.1) that the class-sensitivity triggers are "the two triggers mentioned above",
    the X and the square; so the cross is the 1-pixel X. Alone it measures what `x` measures, in the other corner:
    a method that only likes the top left is found out.
    """

    title = "White cross of 1 pixel, bottom right"
    source = "Delve into the layer choice of BP-based attribution explanations, 3.2 and A.1"
    targets = (1,)

    def marks(self, side: int) -> tuple[Tensor, ...]:
        """The two diagonals, one pixel wide."""
        return tuple(bottom_right(mask) for mask in X().marks(side))

    def truths(self, side: int) -> tuple[Tensor, ...]:
        """The two diagonals as a band."""
        return tuple(bottom_right(mask) for mask in X().truths(side))
