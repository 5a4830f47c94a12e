"""Claim 1: what the choice of the layer changes, and what it does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from peephole.claims.base import CLAIMS, Claim
from peephole.claims.p1_methods import CONDITIONS, LAYERED, TITLES
from peephole.claims.panels import bands, below, by_layer, place
from peephole.claims.parts import Scored, answers, scored
from peephole.claims.resampling import rank_correlation
from peephole.errors import PeepholeError
from peephole.figures.bands import Key, chance
from peephole.leaderboard.claim_result import Estimate, Expectation
from peephole.leaderboard.verdict import Criterion

if TYPE_CHECKING:
    from peephole.claims.study import Study
    from peephole.figures.base import Drawing
    from peephole.units.base import Unit

TREND = 0.3
"""Of Spearman's ρ: two curves of five that have no trend reach it on ten layers by chance."""
LEFT, RIGHT, TALL, TITLE = 0.38, 0.08, 1.6, 0.25
"""Inches of a panel's axes, and around them."""
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
        "Spearman's rank correlation of a method's curve (mean over pictures and models) with the layer's place, "
        "mean over the methods. A rank correlation knows no amplitude: a slight but steady trend is one."
    )
    expectations: ClassVar[tuple[Expectation, ...]] = (
        Expectation(
            "class_flat", "Class sensitivity has no trend along the layers.", MEAN_RHO, Criterion("within", TREND)
        ),
        # P1, B.1 excepts the last layer of ResNet when it compares methods: a pool and a linear layer are all above it.
        Expectation(
            "class_flat_below",
            "It has none without the last layer either, where all five methods have the same map.",
            MEAN_RHO,
            Criterion("within", TREND),
        ),
        Expectation(
            "class_method",
            "The method matters more to class sensitivity than the layer does.",
            "standard deviation over methods at a layer, mean over layers, less that over layers of a method, mean "
            "over methods; without the last layer",
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

        def trend(metric: str) -> Estimate:
            found = self._scored(study, metric)
            return found.estimate(rank_correlation(found.means(), axis=1).mean(axis=0), self.level)

        def trend_below_the_top() -> Estimate:
            found = self._scored(study, "class_sensitivity")
            return found.estimate(rank_correlation(found.means()[:, :-1], axis=1).mean(axis=0), self.level)

        def method_over_layer() -> Estimate:
            found = self._scored(study, "class_sensitivity")
            means = found.means()[:, :-1]
            lead = means.std(axis=0, ddof=1).mean(axis=0) - means.std(axis=1, ddof=1).mean(axis=0)
            return found.estimate(lead, self.level)

        return answers(
            {
                "class_flat": lambda: trend("class_sensitivity"),
                "class_flat_below": trend_below_the_top,
                "class_method": method_over_layer,
                "fine_falls": lambda: trend("fine_grained"),
                "complete_rises": lambda: trend("completeness"),
            }
        )

    def draw(self, study: Study, width: float) -> Drawing | None:
        """A panel a metric: lines of the methods along the layers."""
        found = {}
        for metric in CONDITIONS:
            with suppress(PeepholeError):
                found[metric] = self._scored(study, metric)
        return _drawing(found, width) if found else None

    def _scored(self, study: Study, metric: str) -> Scored:
        return scored(study, metric, LAYERED, [CONDITIONS[metric]], "layer_trends")


def _drawing(found: Mapping[str, Scored], width: float) -> Drawing:
    from matplotlib.figure import Figure

    from peephole.figures.base import Drawing

    key = Key([*LAYERED, "chance"], width)
    down = max(below(one.layers) for one in found.values()) + key.height
    figure = Figure(figsize=(width, down + TALL + TITLE))
    panels, wide = [], width / len(found)
    for column, (metric, one) in enumerate(found.items()):
        axes = place(figure, column * wide + LEFT, down, wide - LEFT - RIGHT, TALL)
        (values,) = one.values.values()
        by_layer(axes, LAYERED, one.layers, bands(one.draws, one.means()))
        chance(axes, float(one.draws.means(CONDITIONS[metric], values.chance)[0]))
        axes.set_title(f"({'abc'[column]}) {TITLES[metric]} ↑")
        panels.append(axes)
    key.draw(figure, panels)
    caption = (
        "Class sensitivity (both marks of the class pair in the picture), fine-grained localization (a thin X) and "
        "completeness (a white square) by the layer whose map is scored, in the network's order from the input. Lines "
        "are means over models and pictures, bands their 95 % intervals; ↑ higher is better; grey dots: chance. P1 "
        "finds no trend in the first, a fall in the second and a rise in the third."
    )
    return Drawing(figure, caption)
