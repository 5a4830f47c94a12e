"""Claim 3: which method leads in which of P1's metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from peephole.claims.base import CLAIMS, Claim
from peephole.claims.p1_methods import (
    BASELINES,
    CAM_LIKE,
    CONDITIONS,
    FUSED,
    GRADIENT_LIKE,
    LAYERED,
    TITLES,
    colour,
    key_to_colours,
    label,
)
from peephole.claims.panels import ROW, bands, place, rows
from peephole.claims.parts import Scored, answers, scored
from peephole.errors import PeepholeError
from peephole.figures.style import COLOURS, GREY
from peephole.leaderboard.claim_result import Estimate, Expectation
from peephole.leaderboard.verdict import Criterion

if TYPE_CHECKING:
    from peephole.claims.study import Study
    from peephole.figures.base import Drawing
    from peephole.units.base import Unit

TABLE = (*BASELINES, *FUSED)
CLASS_LEADERS = ("input_x_gradient", "deeplift")
RELIABILITY, TRIGGERS = "morf_minus_lerf", ("square", "x")
FUSED_RULES = {rule: f"tif({rule}, 0.7)" for rule in LAYERED}
"""Rules at the input, and what their fusion is called."""
NAMES, RIGHT, TITLE, GAP, BOTTOM = 1.6, 0.12, 0.25, 0.22, 0.42
"""Inches around the panels."""

Means = Mapping[str, NDArray[np.float64]]
"""The mean of each method, ``[rows]``."""


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
        "Differences of means over models and the pictures that all methods have. Where a method has to beat each "
        "of several, the smallest of the differences, each with an interval."
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
    methods: ClassVar[tuple[str, ...]] = tuple(dict.fromkeys((*TABLE, *FUSED_RULES, *FUSED_RULES.values())))

    def units(self, study: Study) -> Sequence[Unit]:
        """The scores of table 1's methods by P1's metrics, and of rules and their fusions when pixels are removed."""
        rows = [row for metric, trigger in CONDITIONS.items() for row in study.rows(TABLE, [metric], trigger)]
        rows += study.rows((*FUSED_RULES, *FUSED_RULES.values()), [RELIABILITY], *TRIGGERS)
        return [row.scores for row in rows]

    def examine(self, study: Study) -> Mapping[str, Estimate | str]:
        """See `Claim`."""

        def by(metric: str, statistic: Callable[[Means], NDArray[np.float64]]) -> Callable[[], Estimate]:
            def measure() -> Estimate:
                found = _scored(study, metric)
                return found.estimate(statistic(dict(zip(TABLE, found.own_means(), strict=True))), self.level)

            return measure

        return answers(
            {
                "cams_complete": by("completeness", lambda means: _mean(means, CAM_LIKE) - _mean(means, GRADIENT_LIKE)),
                "guided_fine": by("fine_grained", lambda means: _lead(means, "guided_backprop", TABLE)),
                "class_leaders": by("class_sensitivity", _class_lead),
                "fusion_complete": by("completeness", lambda means: _lead(means, FUSED[0], BASELINES)),
                "alpha_complete": by("completeness", lambda means: means[FUSED[-1]] - means[FUSED[0]]),
                "alpha_fine": by("fine_grained", lambda means: means[FUSED[-1]] - means[FUSED[0]]),
                "fusion_reliable": lambda: self._gain(study),
            }
        )

    def draw(self, study: Study, width: float) -> Drawing | None:
        """A panel a metric, a row a method; below, each rule beside its fusion."""
        found, removal = {}, None
        for metric in CONDITIONS:
            with suppress(PeepholeError):
                found[metric] = _scored(study, metric)
        with suppress(PeepholeError):
            removal = _removal(study)
        return _drawing(found, removal, width) if found else None

    def _gain(self, study: Study) -> Estimate:
        found = _removal(study)
        alone, fused = np.split(found.own_means(), 2)
        return found.estimate(fused - alone, self.level)


def _scored(study: Study, metric: str) -> Scored:
    return scored(study, metric, TABLE, [CONDITIONS[metric]], "method_order")


def _removal(study: Study) -> Scored:
    return scored(study, RELIABILITY, (*FUSED_RULES, *FUSED_RULES.values()), TRIGGERS, "method_order")


def _mean(means: Means, methods: Sequence[str]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.mean([means[method] for method in methods], axis=0)
    return found


def _lead(means: Means, method: str, others: Sequence[str]) -> NDArray[np.float64]:
    """How far a method is before each of the others."""
    return np.stack([means[method] - means[other] for other in others if other != method])


def _class_lead(means: Means) -> NDArray[np.float64]:
    others = [method for method in TABLE if method not in CLASS_LEADERS]
    return np.stack([means[method] - _mean(means, others) for method in CLASS_LEADERS])


def _drawing(found: Mapping[str, Scored], removal: Scored | None, width: float) -> Drawing:
    from matplotlib.figure import Figure

    from peephole.figures.base import Drawing

    tall = ROW * len(TABLE) + 0.1
    low = TITLE + ROW * len(FUSED_RULES) + 0.1 if removal else 0.0
    height = TITLE + tall + GAP + low + BOTTOM
    figure = Figure(figsize=(width, height))
    wide = (width - NAMES) / len(found)
    colours = [colour(method) for method in TABLE]
    for column, (metric, one) in enumerate(found.items()):
        axes = place(figure, NAMES + column * wide, height - TITLE - tall, wide - RIGHT, tall)
        rows(axes, [*map(label, TABLE)], colours, bands(one.draws, one.own_means()))
        if column:
            axes.set_yticklabels([])
        level = float(one.draws.means(CONDITIONS[metric], one.values[CONDITIONS[metric]].chance)[0])
        axes.axvline(level, color=GREY, linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)
        axes.set_title(f"({'abc'[column]}) {TITLES[metric]} ↑")
    key_to_colours(
        axes,
        TABLE,
        loc="lower center",
        bbox_to_anchor=(0.5, 0.0),
        bbox_transform=figure.transFigure,
        ncols=5,
    )
    fused = _removal_panel(place(figure, NAMES, BOTTOM, width - NAMES - RIGHT, low - TITLE), removal) if removal else ""
    caption = (
        "P1's methods by its metrics, gradient-like and combined ones at the input, Grad-CAM, Score-CAM and CAMERAS at "
        "the last layer, FullGrad and TIF with all layers; class sensitivity under the class pair, fine-grained "
        f"localization under X, completeness under the square. {fused}Points are means over models and pictures, bars "
        "their 95 % intervals; ↑ higher is better; dotted: chance."
    )
    return Drawing(figure, caption)


def _removal_panel(axes: Any, removal: Scored) -> str:
    """Each rule beside its fusion; gives what the caption says of it."""
    band = bands(removal.draws, removal.own_means())
    for first, each, shift in ((0, COLOURS[0], -0.16), (len(FUSED_RULES), COLOURS[2], 0.16)):
        part = slice(first, first + len(FUSED_RULES))
        own = (band[0][part], band[1][part], band[2][part])
        rows(axes, [*map(label, FUSED_RULES)], [each] * len(FUSED_RULES), own, shift)
    under = " and ".join(removal.values)
    axes.set_title(f"MoRF less LeRF ↑ under {under}: at the input (blue), fused (red)")
    return (
        "Below, five rules at the input, and all their layers fused by TIF with α = 0.7, when pixels are removed under "
        f"{under}. "
    )
