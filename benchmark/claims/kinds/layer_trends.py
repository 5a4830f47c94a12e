"""Claim 1: what the choice of the layer changes, and what it does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from peephole.claims.base import CLAIMS, Claim
from peephole.claims.p1_methods import LAYERED
from peephole.leaderboard.claim_result import Estimate, Expectation
from peephole.leaderboard.verdict import Criterion

if TYPE_CHECKING:
    from peephole.claims.study import Study
    from peephole.figures.base import Drawing
    from peephole.units.base import Unit

TREND = 0.3
"""Of Spearman's ρ: two curves of five that have no trend reach it on ten layers by chance."""
CONDITIONS = {"class_sensitivity": "class_pair", "fine_grained": "x", "completeness": "square"}
"""The trigger of each metric."""
MEAN_RHO = "Spearman's ρ of the score with the layer's place from the input, mean over the five methods (-1 to 1)"


@CLAIMS.register
class LayerTrends(Claim):
    """P1's three observations on its five layered methods; ρ of the mean over pictures."""

    number: ClassVar[int] = 1
    title: ClassVar[str] = "Metrics by the explained layer"
    source: ClassVar[str] = "P1, figure 4, sections 3.2, 3.3 and 4.1"
    statement: ClassVar[str] = (
        "The nearer to the output the explained layer lies, the more completely a map fills a square trigger and the "
        "worse it stays on a thin X. How well it tells two labels apart has no such trend: that depends on the method."
    )
    measured: ClassVar[str] = (
        "Class sensitivity under the class pair, fine-grained localization under X and completeness under the square, "
        "of Input×Gradient, Input×SmoothGrad, Input×Guided Backprop, DeepLIFT and Integrated Gradients at every layer; "
        "pictures on which the trigger decides."
    )
    test: ClassVar[str] = (
        "Spearman's rank correlation of a method's curve (mean over pictures and models) with the layer's place, mean "
        "over the methods. Bootstrap over models and pictures, 4000 resamples; all intervals together hold with 95 %."
    )
    expectations: ClassVar[tuple[Expectation, ...]] = (
        Expectation(
            "class_flat", "Class sensitivity has no trend along the layers.", MEAN_RHO, Criterion("within", TREND)
        ),
        Expectation(
            "class_method",
            "The method matters more to class sensitivity than the layer does.",
            "standard deviation of the five methods' means over layers, less that of the layers' means over methods",
            # P1, B.1: "much larger"; any lead of the method over the layer is enough here.
            Criterion("above", 0.0),
        ),
        Expectation(
            "fine_falls",
            "Maps of higher layers stay less well on a thin trigger.",
            MEAN_RHO,
            Criterion("below", -TREND),
        ),
        Expectation(
            "complete_rises", "Maps of higher layers fill the trigger better.", MEAN_RHO, Criterion("above", TREND)
        ),
    )
    methods: ClassVar[tuple[str, ...]] = LAYERED

    def units(self, study: Study) -> Sequence[Unit]:
        """The scores of the five methods by each metric, under its own trigger."""
        return [
            row.scores for metric, trigger in CONDITIONS.items() for row in study.rows(self.methods, [metric], trigger)
        ]

    def examine(self, study: Study) -> Mapping[str, Estimate | str]:
        """See `Claim`."""
        raise NotImplementedError

    def draw(self, study: Study, width: float) -> Drawing | None:
        """See `Claim`."""
        raise NotImplementedError
