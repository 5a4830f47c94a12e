"""A white square in the top left corner: P1's trigger for completeness."""

from torch import Tensor

from peephole.triggers.base import TRIGGERS
from peephole.triggers.geometry import top_left
from peephole.triggers.lengths import MARK, scaled
from peephole.triggers.pattern import Pattern


@TRIGGERS.register
class Square(Pattern):
    """White square, ``M_t = [0 ≤ i, j < 64]`` at 224; its truth mask ``M3`` is the square itself."""

    title = "White square, top left"
    source = "Delve into the layer choice of BP-based attribution explanations, A.1"

    def marks(self, side: int) -> tuple[Tensor, ...]:
        """The square."""
        return (top_left(side, scaled(MARK, side)),)

    def truths(self, side: int) -> tuple[Tensor, ...]:
        """The square."""
        return self.marks(side)
