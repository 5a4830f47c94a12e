"""Claim 8: removing weights of the upper layers harms the alignment, drawing them anew does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from peephole.claims.base import CLAIMS, Claim
from peephole.leaderboard.claim_result import Estimate, Expectation
from peephole.leaderboard.verdict import Criterion

if TYPE_CHECKING:
    from peephole.claims.study import Study
    from peephole.figures.base import Drawing
    from peephole.units.base import Unit


@CLAIMS.register
class WeightRemoval(Claim):
    """Its words say what it is."""

    number: ClassVar[int] = 8
    title: ClassVar[str] = "Maps survive random weights in the upper half, but not their removal"
    source: ClassVar[str] = "P2 (alignment), figure 5 and section IV-B, Nonnegative matrices multiplication"
    statement: ClassVar[str] = (
        "That maps of negative filtering rules do not change when upper layers are randomised is no insensitivity to "
        "whatever happens there: random weights do not disturb the cascade of alignment, but if most weights are "
        "removed, the map loses its content."
    )
    measured: ClassVar[str] = (
        "The cosine between what arrives at the input and the picture as the network gets it, mean of Guided Backprop, "
        "RectGrad and the z⁺-rule (without the last multiplication by the input), for the clean models of the suite as "
        "they are, with the upper half of the stages drawn anew, and with weights removed in the same stages: linear "
        "layers keep 0.25 % of their inputs (at least one, drawn), convolutions the first row and column of each "
        "kernel. Where nothing arrives, the cosine counts as 0."
    )
    test: ClassVar[str] = (
        "Paired differences of mean cosines on the same pictures, percentile bootstrap of pictures, clustered by "
        "network; the intervals hold together with 95 % (Bonferroni)."
    )
    # "A marked loss" is more than 0.05 of cosine, and no loss is less than that: the tolerance of claim 7.
    expectations: ClassVar[tuple[Expectation, ...]] = (
        Expectation(
            "removal_harms",
            "Removing weights in the upper half costs alignment.",
            "cosine, trained minus removed (-2 to 2)",
            Criterion("above", 0.05),
        ),
        Expectation(
            "randomisation_does_not",
            "Drawing them anew does not.",
            "cosine, trained minus drawn anew (-2 to 2)",
            Criterion("below", 0.05),
        ),
        Expectation(
            "removal_is_worse",
            "Removal costs more alignment than drawing anew.",
            "cosine, drawn anew minus removed (-2 to 2)",
            Criterion("above", 0.0),
        ),
    )

    def units(self, study: Study) -> Sequence[Unit]:
        """Not built yet."""
        return ()

    def examine(self, study: Study) -> Mapping[str, Estimate | str]:
        """Not built yet."""
        return dict.fromkeys((one.name for one in self.expectations), "this is not measured yet")

    def draw(self, study: Study, width: float) -> Drawing | None:
        """Not built yet."""
        return None
