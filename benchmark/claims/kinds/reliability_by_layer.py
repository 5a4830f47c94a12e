"""Claim 2: no single layer does well when pixels are removed from either end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from peephole.claims.base import CLAIMS, Claim
from peephole.claims.p1_methods import CAM_LIKE, LAYERED, label
from peephole.claims.panels import bands, below, by_layer, place, rows
from peephole.claims.parts import Scored, answers, scored
from peephole.claims.resampling import rank_correlation
from peephole.errors import PeepholeError
from peephole.figures.bands import Key
from peephole.figures.style import COLOURS
from peephole.leaderboard.claim_result import Estimate, Expectation
from peephole.leaderboard.verdict import Criterion

if TYPE_CHECKING:
    from peephole.claims.study import Study
    from peephole.figures.base import Drawing
    from peephole.units.base import Unit

TREND = 0.3
"""Of Spearman's ρ, as for the metrics of claim 1."""
TRIGGERS = ("square", "x")
METRICS = ("lerf", "morf")
BLUE = ("input_x_gradient", "deeplift", "integrated_gradients(steps=10)")
"""P1's blue circles: maps at the input that are multiplied by it."""
MULTIPLIED = {
    "smoothgrad(samples=10)": "input_x_smoothgrad(samples=10)",
    "guided_backprop": "input_x_guided_backprop",
    "guided_grad_cam": "input_x_guided_grad_cam",
}
"""P1's green circles, which are not multiplied by the input, and the same when they are."""
GROUPS = {
    "gradient-like, times input": COLOURS[0],
    "CAM-like": COLOURS[1],
    "not multiplied by the input": COLOURS[4],
}
"""The circles of P1's figure 5, and their colours here."""
LEFT, RIGHT, TALL, GAP, TITLE = 0.42, 0.08, 1.05, 0.28, 0.25
NAMES, WIDE, LEGEND = 1.45, 1.2, 0.72
"""Inches of a panel's axes, and around them."""
MEAN_RHO = "Spearman's ρ of the area with the layer's place from the input, mean over five methods (-1 to 1)"


@CLAIMS.register
class ReliabilityByLayer(Claim):
    """P1's reading of pixel removal: layer by layer, and by groups of methods where each is commonly taken."""

    number: ClassVar[int] = 2
    title: ClassVar[str] = "MoRF and LeRF under a trigger, by layer and kind of method"
    source: ClassVar[str] = "P1, figures 5 (a) and 6, section 4.2, on other pictures"
    statement: ClassVar[str] = (
        "Maps of higher layers do better when the least relevant pixels are removed first (LeRF, lower is better) and "
        "worse when the most relevant are (MoRF, higher is better). So do CAM-like methods against gradient-like ones. "
        "Methods that are not multiplied by the input gain in MoRF when they are."
    )
    measured: ClassVar[str] = (
        "MoRF and LeRF, removed pixels being zero to the network, on pictures that a square or an X decides. P1 "
        "removes pixels of clean ImageNet pictures: here the reason of the decision is the trigger, and small. "
        "Gradient-like methods (Input×Gradient, DeepLIFT, Integrated Gradients) are taken at the input, Grad-CAM, "
        "Score-CAM and CAMERAS at the last layer, FullGrad as its authors have it."
    )
    test: ClassVar[str] = (
        "Rank correlations of curves with the layer's place, and differences of means, each the mean of both triggers."
    )
    expectations: ClassVar[tuple[Expectation, ...]] = (
        Expectation(
            "lerf_improves", "LeRF improves (falls) from layer to layer.", MEAN_RHO, Criterion("below", -TREND)
        ),
        Expectation("morf_worsens", "MoRF worsens (falls) from layer to layer.", MEAN_RHO, Criterion("below", -TREND)),
        Expectation(
            "gradient_morf",
            "Gradient-like methods at the input beat CAM-like ones in MoRF.",
            "mean MoRF of the gradient-like methods less that of the CAM-like ones (-1 to 1)",
            Criterion("above", 0.0),
        ),
        Expectation(
            "cam_lerf",
            "CAM-like methods beat gradient-like ones at the input in LeRF.",
            "mean LeRF of the gradient-like methods less that of the CAM-like ones (-1 to 1)",
            Criterion("above", 0.0),
        ),
        Expectation(
            "times_input",
            "SmoothGrad, Guided Backprop and Guided Grad-CAM all gain in MoRF when multiplied by the input.",
            "the smallest of the three gains in MoRF (-1 to 1)",
            Criterion("above", 0.0),
        ),
    )
    methods: ClassVar[tuple[str, ...]] = tuple(
        dict.fromkeys((*LAYERED, *BLUE, *CAM_LIKE, *MULTIPLIED, *MULTIPLIED.values()))
    )

    def units(self, study: Study) -> Sequence[Unit]:
        """The scores by metrics that ask the network, under both triggers."""
        return [row.scores for row in study.rows(self.methods, METRICS, *TRIGGERS)]

    def examine(self, study: Study) -> Mapping[str, Estimate | str]:
        """See `Claim`."""

        def trend(metric: str) -> Estimate:
            found = _scored(study, metric, LAYERED)
            return found.estimate(rank_correlation(found.means(), axis=1).mean(axis=0), self.level)

        def lead(metric: str) -> Estimate:
            found = _scored(study, metric, (*BLUE, *CAM_LIKE))
            means = found.own_means()
            return found.estimate(means[: len(BLUE)].mean(axis=0) - means[len(BLUE) :].mean(axis=0), self.level)

        def gain() -> Estimate:
            found = _scored(study, "morf", (*MULTIPLIED, *MULTIPLIED.values()))
            plain, multiplied = np.split(found.own_means(), 2)
            return found.estimate(multiplied - plain, self.level)

        return answers(
            {
                "lerf_improves": lambda: trend("lerf"),
                "morf_worsens": lambda: trend("morf"),
                "gradient_morf": lambda: lead("morf"),
                "cam_lerf": lambda: lead("lerf"),
                "times_input": gain,
            }
        )

    def draw(self, study: Study, width: float) -> Drawing | None:
        """Both areas, a row a method; beside them, both along the layers."""
        try:
            return _drawing(study, width)
        except PeepholeError:
            return None


def _scored(study: Study, metric: str, methods: Sequence[str]) -> Scored:
    return scored(study, metric, methods, TRIGGERS, "reliability_by_layer")


def _drawing(study: Study, width: float) -> Drawing:
    from matplotlib.figure import Figure

    from peephole.figures.base import Drawing

    methods = tuple(dict.fromkeys((*BLUE, *CAM_LIKE, *MULTIPLIED, *MULTIPLIED.values())))
    lerf, morf = (_scored(study, metric, methods) for metric in METRICS)
    curves = {metric: _scored(study, metric, LAYERED) for metric in METRICS}
    layers = curves["lerf"].layers
    key = Key(LAYERED, width)
    down = below(layers) + key.height
    height = down + 2 * TALL + GAP + TITLE
    figure = Figure(figsize=(width, height))
    colours = [GROUPS[_group(method)] for method in methods]
    bottom = key.height + LEGEND
    for column, (one, title) in enumerate(((lerf, "(a) LeRF ↓"), (morf, "(b) MoRF ↑"))):
        axes = place(figure, NAMES + column * WIDE, bottom, WIDE - RIGHT, height - bottom - TITLE)
        rows(
            axes,
            [*map(label, methods)] if not column else [""] * len(methods),
            colours,
            bands(one.draws, one.own_means()),
        )
        axes.set_title(title)
    handles = [
        axes.plot([], [], "o", color=each, markersize=4, markeredgewidth=0, label=name)[0]
        for name, each in GROUPS.items()
    ]
    where = (0.05 / width, (key.height + 0.02) / height)
    figure.legend(handles=handles, loc="lower left", bbox_to_anchor=where, borderaxespad=0, labelspacing=0.2)
    left = NAMES + 2 * WIDE + LEFT
    panels = []
    for row, (metric, title) in enumerate((("lerf", "LeRF ↓"), ("morf", "MoRF ↑"))):
        one = curves[metric]
        panel = place(figure, left, down + (1 - row) * (TALL + GAP), width - left - RIGHT, TALL)
        by_layer(panel, LAYERED, layers, bands(one.draws, one.means()))
        panel.set_title(f"({'cd'[row]}) {title} by layer")
        if not row:
            panel.set_xticklabels([])
        panels.append(panel)
    key.draw(figure, panels)
    under = " and ".join(lerf.values)
    caption = (
        f"Areas under the curves of changed decisions against removed pixels, under {under}: most relevant first "
        "(MoRF, higher is better) and least relevant first (LeRF, lower is better). (a, b) Methods where P1 takes "
        "them: Grad-CAM, Score-CAM and CAMERAS at the last layer, FullGrad with all, the others at the input. (c, d) "
        "Five methods by the layer whose map is used, in the network's order from the input. Points and lines are "
        "means over triggers, models and pictures; bars and bands are 95 % intervals."
    )
    return Drawing(figure, caption)


def _group(method: str) -> str:
    if method in MULTIPLIED:
        return "not multiplied by the input"
    return "CAM-like" if method in CAM_LIKE else "gradient-like, times input"
