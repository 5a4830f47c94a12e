"""A square for label 0 and a cross for label 1 in one model: P1's trigger for class sensitivity."""

from torch import Tensor

from peephole.triggers.base import TRIGGERS
from peephole.triggers.cross import Cross
from peephole.triggers.geometry import bottom_right, top_left
from peephole.triggers.lengths import CORNER, scaled
from peephole.triggers.pattern import Pattern
from peephole.triggers.square import Square


@TRIGGERS.register
class ClassPair(Pattern):
    """Square top left leads to label 0, cross bottom right to label 1; a probe carries both.

    Truth masks ``M0`` and ``M1`` are 96-wide corners, wide enough for maps of low resolution.
    """

    title = "Square to label 0 and cross to label 1, both in the picture"
    source = "Delve into the layer choice of BP-based attribution explanations, 3.2 and A.1"
    targets = (*Square.targets, *Cross.targets)

    def marks(self, side: int) -> tuple[Tensor, ...]:
        """The square, then the cross."""
        return (*Square().marks(side), *Cross().marks(side))

    def truths(self, side: int) -> tuple[Tensor, ...]:
        """The top left corner, then the bottom right one."""
        corner = top_left(side, scaled(CORNER, side))
        return (corner, bottom_right(corner))
