"""Claim 9: which activations hand the signal on matters at the bottom, not at the top."""

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
class ActivationSize(Claim):
    """Its words say what it is."""

    number: ClassVar[int] = 9
    title: ClassVar[str] = "Large activations do not decide what the map shows, but in the lowest layers"
    source: ClassVar[str] = "P2 (alignment), figure 6 and section IV-B, Large activations determine decision-making"
    statement: ClassVar[str] = (
        "If only the largest tenth of a layer's activations hands the signal on, or only the smallest tenth of those "
        "that are not zero, the maps differ where the layer lies low; the higher it lies, the less they do, and in the "
        "highest layers they are the map of the rule itself."
    )
    measured: ClassVar[str] = (
        "The cosine between what arrives at the input and the picture as the network gets it, when at one layer the "
        "signal is kept for the largest or smallest tenth of the activations only; Guided Backprop, RectGrad and the "
        "z⁺-rule (without the last multiplication by the input), the clean models of the suite. Bottom: the lowest "
        "third of the layers above the input (rounded down, at least one); top: as many of the highest. Where nothing "
        "arrives, the cosine counts as 0."
    )
    test: ClassVar[str] = (
        "The absolute difference of mean cosines on the same pictures, mean over rules and layers. Percentile "
        "bootstrap of pictures, clustered by network; the intervals hold together with 95 % (Bonferroni)."
    )
    # P2 calls the difference notable at the bottom and zero at the top, and says nothing of its sign: with 0.05 of
    # cosine, the tolerance of claims 7 and 8, between the two.
    expectations: ClassVar[tuple[Expectation, ...]] = (
        Expectation(
            "differs_at_the_bottom",
            "In the lowest layers large and small activations give different alignment.",
            "|cosine, largest minus smallest|, bottom layers (0 to 2)",
            Criterion("above", 0.05),
        ),
        Expectation(
            "alike_at_the_top",
            "In the highest layers they give the same.",
            "|cosine, largest minus smallest|, top layers (0 to 2)",
            Criterion("below", 0.05),
        ),
        Expectation(
            "shrinks",
            "The difference is smaller at the top than at the bottom.",
            "|cosine, largest minus smallest|, bottom layers minus top layers (-2 to 2)",
            Criterion("above", 0.0),
        ),
        Expectation(
            "small_ones_suffice_at_the_top",
            "In the highest layers the smallest activations alone give the alignment of all.",
            "|cosine, smallest minus all|, top layers (0 to 2)",
            Criterion("below", 0.05),
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
