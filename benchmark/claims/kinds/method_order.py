"""Claim 3: which method leads in which of P1's metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from peephole.claims.base import CLAIMS, Claim
from peephole.claims.p1_methods import BASELINES, FUSED, LAYERED
from peephole.leaderboard.claim_result import Estimate, Expectation
from peephole.leaderboard.verdict import Criterion

if TYPE_CHECKING:
    from peephole.claims.study import Study
    from peephole.figures.base import Drawing
    from peephole.units.base import Unit

CONDITIONS = {"class_sensitivity": "class_pair", "fine_grained": "x", "completeness": "square"}
"""The trigger of each metric."""
RELIABILITY, TRIGGERS = "morf_minus_lerf", ("square", "x")
FUSED_RULES = {rule: f"tif({rule}, 0.7)" for rule in LAYERED}
"""Rules at the input, and what their fusion is called."""


@CLAIMS.register
class MethodOrder(Claim):
    """P1's table 1, method by method where P1 takes each, and what its fusion brings."""

    number: ClassVar[int] = 3
    title: ClassVar[str] = "The order of methods, and what fusing layers brings"
    source: ClassVar[str] = "P1, table 1 and figure 5 (b), sections 5 and 6, C.4"
    statement: ClassVar[str] = (
        "CAM-like methods fill the trigger far better than gradient-like ones; Guided Backprop stays best on a thin "
        "trigger; DeepLIFT and Input×Gradient tell labels apart better than the others do on average. Fusing all "
        "layers (TIF) fills best of all with a small α, trades that for fine localization as α grows, and does better "
        "than its rule alone when pixels are removed, whatever the rule."
    )
    measured: ClassVar[str] = (
        "Class sensitivity under the class pair, fine-grained localization under X, completeness under the square, and "
        "MoRF less LeRF under square and X. Gradient-like and combined methods at the input, Grad-CAM, Score-CAM and "
        "CAMERAS at the last layer, FullGrad and TIF as their authors have them."
    )
    test: ClassVar[str] = (
        "Differences of means over models and the pictures that all methods have. Where a method has to beat each of "
        "several, the difference to the best of them. Bootstrap over models and pictures, 4000 resamples; all "
        "intervals together hold with 95 %."
    )
    expectations: ClassVar[tuple[Expectation, ...]] = (
        Expectation(
            "cams_complete",
            "CAM-like methods fill the trigger far better than gradient-like ones.",
            "mean completeness of four CAM-like methods less that of five gradient-like ones (-1 to 1)",
            # Half of the gap in P1's table between the worst CAM-like and the best gradient-like method.
            Criterion("above", 0.2),
        ),
        Expectation(
            "guided_fine",
            "Guided Backprop stays better on the thin trigger than every other method.",
            "its fine-grained score less the best of the others' (-1 to 1)",
            Criterion("above", 0.0),
        ),
        Expectation(
            "class_leaders",
            "DeepLIFT and Input×Gradient both tell labels apart better than the others do on average.",
            "the lower of their two class sensitivities less the mean of the others' (-1 to 1)",
            Criterion("above", 0.0),
        ),
        Expectation(
            "fusion_complete",
            "TIF with α = 0.5 fills the trigger better than every method that is no TIF.",
            "its completeness less the best of the others' (-1 to 1)",
            Criterion("above", 0.0),
        ),
        Expectation(
            "alpha_complete",
            "TIF fills the trigger less with a larger α.",
            "completeness with α = 0.9 less that with α = 0.5 (-1 to 1)",
            Criterion("below", 0.0),
        ),
        Expectation(
            "alpha_fine",
            "TIF stays better on the thin trigger with a larger α.",
            "fine-grained score with α = 0.9 less that with α = 0.5 (-1 to 1)",
            Criterion("above", 0.0),
        ),
        Expectation(
            "fusion_reliable",
            "TIF with α = 0.7 does better than its rule at the input when pixels are removed, for each of five rules.",
            "the smallest of five gains in MoRF less LeRF (-2 to 2)",
            Criterion("above", 0.0),
        ),
    )
    methods: ClassVar[tuple[str, ...]] = tuple(dict.fromkeys((*BASELINES, *FUSED, *FUSED_RULES, *FUSED_RULES.values())))

    def units(self, study: Study) -> Sequence[Unit]:
        """The scores of table 1's methods by P1's metrics, and of rules and their fusions when pixels are removed."""
        rows = [
            row for metric, trigger in CONDITIONS.items() for row in study.rows((*BASELINES, *FUSED), [metric], trigger)
        ]
        rows += study.rows((*FUSED_RULES, *FUSED_RULES.values()), [RELIABILITY], *TRIGGERS)
        return [row.scores for row in rows]

    def examine(self, study: Study) -> Mapping[str, Estimate | str]:
        """See `Claim`."""
        raise NotImplementedError

    def draw(self, study: Study, width: float) -> Drawing | None:
        """See `Claim`."""
        raise NotImplementedError
