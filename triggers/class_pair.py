"""A square for one label and a cross for another in one model: P1's trigger for class sensitivity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import AfterValidator, NonNegativeInt
from pydantic.dataclasses import dataclass

from peephole.triggers.base import TRIGGERS, Canvas
from peephole.triggers.lengths import CORNER, MARK, scaled

if TYPE_CHECKING:
    from peephole.triggers.fixed import Fixed


def _different(labels: tuple[int, int]) -> tuple[int, int]:
    if labels[0] == labels[1]:
        raise ValueError(f"the two marks lead to two labels, not both to {labels[0]}")
    return labels


@TRIGGERS.register
@dataclass(frozen=True)
class ClassPair:
    """Square top left leads to label 0, cross bottom right to label 1; a probe carries both.

    Truth masks ``M0`` and ``M1`` are 96-wide corners, wide enough for maps of low resolution.

    Args:
        labels: the labels of the square and of the cross.
        varied: with places and patterns drawn from the seed. The truth masks are apart, anywhere, each with its mark
            in the middle: no edge of the picture keeps a coarse map from spilling over on one side.
    """

    title: ClassVar[str] = "Square to label 0 and cross to label 1, both in the picture"
    source: ClassVar[str] = "Delve into the layer choice of BP-based attribution explanations, 3.2 and A.1"

    labels: Annotated[tuple[NonNegativeInt, NonNegativeInt], AfterValidator(_different)] = (0, 1)
    varied: bool = False

    def targets(self, classes: int) -> tuple[int, ...]:
        """The square's label, then the cross's."""
        return self.labels

    def draw(self, canvas: Canvas, seed: int) -> Fixed:
        """See `Trigger.draw`; nothing is random unless it is varied."""
        from peephole.triggers.fixed import Fixed
        from peephole.triggers.geometry import bottom_right, thin_x, top_left
        from peephole.triggers.varied import varied

        side, targets = canvas.side, self.targets(canvas.classes)
        square, cross = top_left(side, scaled(MARK, side)), thin_x(side)
        corner = top_left(side, scaled(CORNER, side))
        if self.varied:
            margin = (scaled(CORNER, side) - scaled(MARK, side)) // 2
            marks = [mark.roll((margin, margin), (0, 1)) for mark in (square, cross)]
            return varied("class_pair", canvas, targets, marks, (corner, corner), seed, together=True)
        return Fixed(canvas, targets, (square, bottom_right(cross)), (corner, bottom_right(corner)), together=True)
