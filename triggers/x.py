"""Two 1-pixel diagonals in the top left corner: P1's trigger for fine-grained localization."""

from torch import Tensor

from peephole.triggers.base import TRIGGERS
from peephole.triggers.geometry import diagonals
from peephole.triggers.lengths import BAND, MARK, SMALLEST_BAND, scaled
from peephole.triggers.pattern import Pattern


@TRIGGERS.register
class X(Pattern):
    """White X, ``M_t = [(0 ≤ i, j < 64) & (j = i or j = 63 − i)]`` at 224.

    Its truth mask ``M2`` is the same X, 16 wide.
    """

    title = "White X of 1 pixel, top left"
    source = "Delve into the layer choice of BP-based attribution explanations, A.1"

    def marks(self, side: int) -> tuple[Tensor, ...]:
        """The two diagonals, one pixel wide."""
        return (diagonals(side, scaled(MARK, side)),)

    def truths(self, side: int) -> tuple[Tensor, ...]:
        """The two diagonals as a band, 16 wide at 224 and never under 3."""
        return (diagonals(side, scaled(MARK, side), scaled(BAND, side, SMALLEST_BAND)),)
