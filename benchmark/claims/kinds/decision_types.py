"""P2, figure 8: two types of decisions, and which of them generalises."""

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
class DecisionTypes(Claim):
    """KIS of a clean model has a peak on each side of zero, and decisions of the right one are right more often."""

    number: ClassVar[int] = 11
    title: ClassVar[str] = (
        "Decisions are of two types, and those that the explanation suffices for are right more often"
    )
    source: ClassVar[str] = "P2 (alignment), figure 8"
    statement: ClassVar[str] = (
        "Fed back to the network, the map of a decision either gives the same decision or quite another: KIS has one "
        "peak above zero and one below. Decisions of the upper peak generalise better. Insertion, which feeds back the "
        "pixels with high scores, hardly goes with being right; Insertion by absolute scores does a little more, and "
        "still less than KIS."
    )
    measured: ClassVar[str] = (
        "S of the clean models' decisions on test pictures, right and wrong ones, by KIS, Insertion and Insertion (ABS) "
        "on maps of Guided Backprop at the input. Pictures that lack one of the three are left out."
    )
    test: ClassVar[str] = (
        "Each number is computed for each model and averaged over models: two networks with a peak each are not two "
        "peaks. Densities are kernel estimates. Percentile intervals of a bootstrap over models and pictures."
    )
    # "A clear bimodal distribution": a valley that is a quarter lower than the lower peak shows in a histogram, and a
    # peak of less than a tenth is an edge of the other. How much more often right decisions are is not said.
    expectations: ClassVar[tuple[Expectation, ...]] = (
        Expectation(
            "valley",
            "KIS has a peak on each side of zero, and a valley between them.",
            "1 − density in the valley / density at the lower of the two peaks, 0 to 1",
            Criterion("above", 0.25),
        ),
        Expectation(
            "smaller",
            "Both sides of zero hold many pictures.",
            "share of the pictures on the side of zero that has fewer, 0 to 0.5",
            Criterion("above", 0.1),
        ),
        Expectation(
            "accuracy",
            "Decisions right of zero are right more often than those left of it.",
            "accuracy where KIS > 0 minus accuracy where KIS < 0, −1 to 1",
            Criterion("above"),
        ),
        Expectation(
            "insertion",
            "KIS tells right decisions from wrong ones better than Insertion does.",
            "AUROC of KIS minus AUROC of Insertion, −1 to 1",
            Criterion("above"),
        ),
        Expectation(
            "insertion_abs",
            "KIS tells right decisions from wrong ones better than Insertion (ABS) does.",
            "AUROC of KIS minus AUROC of Insertion (ABS), −1 to 1",
            Criterion("above"),
        ),
        Expectation(
            "signs",
            "Insertion (ABS) tells them apart better than Insertion does.",
            "AUROC of Insertion (ABS) minus AUROC of Insertion, −1 to 1",
            Criterion("above"),
        ),
    )

    def units(self, study: Study) -> Sequence[Unit]:
        """The samples of the clean models."""
        return [unit for unit in study.plan.samples if not unit.is_poisoned]

    def examine(self, study: Study) -> Mapping[str, Estimate | str]:
        """See `Claim.examine`."""
        return {one.name: "not examined yet" for one in self.expectations}

    def draw(self, study: Study, width: float) -> Drawing | None:
        """See `Claim.draw`."""
        return None
