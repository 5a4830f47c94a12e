"""Claim 10: the alignment paper's two theorems, in numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from peephole.claims import one_layer
from peephole.claims.base import CLAIMS, Claim
from peephole.claims.one_layer import Second, Series, Values, first_theorem, second_theorem
from peephole.claims.panels import bands, place
from peephole.claims.resampling import Draws, draw
from peephole.figures.style import COLOURS, GREY, MARKERS
from peephole.leaderboard.claim_result import Estimate, Expectation
from peephole.leaderboard.verdict import Criterion

if TYPE_CHECKING:
    from peephole.claims.study import Study
    from peephole.figures.base import Drawing
    from peephole.units.base import Unit

REPETITIONS, OF_SECOND = 32, 128
LARGEST: Mapping[int, int] = MappingProxyType({16: 4096, 64: 16384, 256: 4096})
"""The most neurons by the number of inputs."""
RULES_INPUTS = 64
SECOND_INPUTS, SECOND_NEURONS = 256, (16, 64, 128, 192, 256)
TALL, ABOVE, BELOW, LEFT, GAP = 2.0, 0.25, 0.38, 0.42, 0.14
"""Inches of the axes and around them."""


@CLAIMS.register
class Theorems(Claim):
    """Both theorems on simulated networks of one hidden layer."""

    number: ClassVar[int] = 10
    title: ClassVar[str] = "Theorems 1 and 2: one random hidden layer aligns, and aligned relevance aligns more"
    source: ClassVar[str] = "P2 (alignment), theorems 1 and 2"
    statement: ClassVar[str] = (
        "In a network of one hidden layer with isotropic random weights, what a negative filtering rule sends to the "
        "input becomes a multiple of the input as the number of neurons grows (theorem 1). If the neurons' weights are "
        "orthogonal and equally long, relevance that equals the activations aligns more than relevance that is drawn "
        "independently (theorem 2)."
    )
    measured: ClassVar[str] = (
        "The cosine between the signal at the input and a random normal input, in double precision: d inputs, N "
        "neurons with normal or ring weights, relevance of the neurons drawn from a normal distribution, filtered as "
        "Guided Backprop, RectGrad (90 %) and the z⁺-rule filter it. A sufficiently large number of neurons is "
        "N = 256 d with d = 64. For theorem 2, N = d = 256 rows of a random rotation."
    )
    test: ClassVar[str] = "Mean over independent repetitions, which are resampled."
    # "Approximately the input" is a cosine above 0.95: an angle below 18 degrees. Closed forms have to hold to 0.02.
    expectations: ClassVar[tuple[Expectation, ...]] = (
        Expectation(
            "guided_backprop_recovers",
            "With many neurons Guided Backprop sends back the input.",
            "cosine with the input, N = 256 d (-1 to 1)",
            Criterion("above", 0.95),
        ),
        Expectation(
            "rectgrad_recovers",
            "So does RectGrad.",
            "cosine with the input, N = 256 d (-1 to 1)",
            Criterion("above", 0.95),
        ),
        Expectation(
            "zplus_recovers",
            "So does the z⁺-rule.",
            "cosine with the input, N = 256 d (-1 to 1)",
            Criterion("above", 0.95),
        ),
        Expectation(
            "filtering_helps",
            "Filtering negative relevance aligns more than the plain gradient does.",
            "cosine with the input, N = 256 d, Guided Backprop minus gradient (-2 to 2)",
            Criterion("above", 0.0),
        ),
        Expectation(
            "follows_the_closed_form",
            "With N neurons and d inputs the cosine is 1/√(1 + π²(d − 1)/N), our closed form of theorem 1.",
            "largest distance of a mean cosine of Guided Backprop from it, over all N, d and both kinds of weights",
            Criterion("below", 0.02),
        ),
        Expectation(
            "aligned_relevance_aligns_more",
            "With orthogonal weights, relevance that equals the activations aligns more than one that is drawn.",
            "cosine with the input, aligned minus drawn (-2 to 2)",
            Criterion("above", 0.0),
        ),
        Expectation(
            "by_the_predicted_factor",
            "It does so by the factor that follows for normal relevance and activations, π/√2.",
            "cosine of drawn over cosine of aligned relevance, minus √2/π = 0.450",
            Criterion("within", 0.02),
        ),
        Expectation(
            "nearly_orthogonal_is_enough",
            "Independent normal weights, which are only nearly orthogonal, show the same.",
            "cosine with the input, aligned minus drawn (-2 to 2)",
            Criterion("above", 0.0),
        ),
    )

    def units(self, study: Study) -> Sequence[Unit]:
        """None: it takes seconds, and no network of the suite."""
        return ()

    def examine(self, study: Study) -> Mapping[str, Estimate | str]:
        """See `Claim.examine`."""
        return self.judged(simulated(REPETITIONS, OF_SECOND))

    def judged(self, found: Simulated) -> dict[str, Estimate | str]:
        """What the numbers say."""
        last = {rule: series.values[-1] for rule, series in found.rules.items()}
        second, normal = found.orthogonal, found.normal
        whole = int(np.argmax(second.aligned.neurons))
        ratio = second.drawn.values[whole] / second.aligned.values[whole]
        statistics = {
            "guided_backprop_recovers": last["Guided Backprop"],
            "rectgrad_recovers": last["RectGrad"],
            "zplus_recovers": last["z⁺-rule"],
            "filtering_helps": last["Guided Backprop"] - last["gradient"],
            "aligned_relevance_aligns_more": second.aligned.values[whole] - second.drawn.values[whole],
            "by_the_predicted_factor": ratio - one_layer.DRAWN_RATIO,
            "nearly_orthogonal_is_enough": normal.aligned.values[whole] - normal.drawn.values[whole],
        }
        resampled = {name: _means(value) for name, value in statistics.items()}
        distances = [
            np.abs(_means(series.values) - one_layer.guided_cosine(series.neurons, inputs)[:, None])
            for (inputs, _), series in found.guided.items()
        ]
        counts = {name: len(value) for name, value in statistics.items()}
        name = "follows_the_closed_form"
        resampled[name], counts[name] = np.concatenate(distances).max(axis=0), counts["guided_backprop_recovers"]
        return {
            one.name: replace(_draws(counts[one.name]).estimate(resampled[one.name], self.level), of="repetitions")
            for one in self.expectations
        }

    def draw(self, study: Study, width: float) -> Drawing | None:
        """Points on predicted curves: theorem 1 by N and d, by rule, and theorem 2."""
        return _figure(simulated(REPETITIONS, OF_SECOND), width)


@dataclass(frozen=True, eq=False)
class Simulated:
    """All that was simulated.

    Attributes:
        guided: cosines of Guided Backprop by d and whether the weights lie on a ring.
        rules: of all rules with normal weights.
        orthogonal, normal: of theorem 2, with orthogonal weights and with independent normal ones.
    """

    guided: Mapping[tuple[int, bool], Series]
    rules: Mapping[str, Series]
    orthogonal: Second
    normal: Second


@cache
def simulated(repetitions: int, of_second: int) -> Simulated:
    """Both theorems, each so many times."""
    guided = {
        (inputs, ring): first_theorem(inputs, most, repetitions, 0, ("Guided Backprop",), ring=ring)["Guided Backprop"]
        for inputs, most in LARGEST.items()
        for ring in (False, True)
    }
    return Simulated(
        guided,
        first_theorem(RULES_INPUTS, LARGEST[RULES_INPUTS], repetitions, 1, tuple(one_layer.FILTERS)),
        second_theorem(SECOND_INPUTS, SECOND_NEURONS, of_second, 2),
        second_theorem(SECOND_INPUTS, SECOND_NEURONS, of_second, 3, orthogonal=False),
    )


def _draws(repetitions: int) -> Draws:
    return draw({"repetitions": [repetitions]}, "theorems")


def _means(values: Values) -> Values:
    """Over repetitions, ``[...,R]`` to ``[...,rows]``."""
    return _draws(values.shape[-1]).means("repetitions", values)


def _points(axes: Any, series: Series, colour: str, marker: str, label: str, *, hollow: bool = False) -> None:
    """Means with 95 % intervals."""
    mean, low, high = bands(_draws(series.values.shape[1]), _means(series.values))
    axes.vlines(series.neurons, low, high, color=colour, linewidth=0.8, zorder=3)
    axes.plot(
        series.neurons, mean, marker, color=colour, markersize=4.2 if hollow else 3.2, label=label or None,
        markerfacecolor="none" if hollow else colour, markeredgewidth=0.8, zorder=4,
    )  # fmt: skip


def _figure(found: Simulated, width: float) -> Drawing:
    from matplotlib.figure import Figure

    from peephole.figures.base import Drawing

    height = ABOVE + TALL + BELOW
    figure = Figure(figsize=(width, height))
    wide = (width - LEFT) / 3
    panels = [place(figure, LEFT + number * wide, BELOW, wide - GAP, TALL) for number in range(3)]
    sizes, rules, second = panels
    for number, (inputs, most) in enumerate(LARGEST.items()):
        x = np.geomspace(inputs, most, 100)
        sizes.plot(x, one_layer.guided_cosine(x, inputs), color=COLOURS[number], linewidth=0.9)
        for ring in (False, True):
            label = "" if ring else f"d = {inputs}"
            _points(sizes, found.guided[inputs, ring], COLOURS[number], "os"[ring], label, hollow=ring)
    sizes.set(title="Theorem 1: Guided Backprop", xscale="log")
    x = np.geomspace(RULES_INPUTS, LARGEST[RULES_INPUTS], 100)
    predicted = {
        "gradient": np.zeros_like(x),
        "Guided Backprop": one_layer.guided_cosine(x, RULES_INPUTS),
        "RectGrad": one_layer.rectified_cosine(x, RULES_INPUTS),
    }
    for number, (rule, series) in enumerate(found.rules.items()):
        colour = COLOURS[number]
        if rule in predicted:
            rules.plot(x, predicted[rule], color=colour, linewidth=0.9)
        else:
            rules.axhline(one_layer.zplus_limit(RULES_INPUTS), color=colour, linewidth=0.9, linestyle=(0, (2, 2)))
        _points(rules, series, colour, MARKERS[number], rule)
    rules.set(title=f"Theorem 1: rules, d = {RULES_INPUTS}", xscale="log")
    x = np.linspace(min(SECOND_NEURONS), max(SECOND_NEURONS), 100)
    curve = one_layer.orthogonal_cosine(x, SECOND_INPUTS)
    for number, (name, factor) in enumerate((("aligned", 1.0), ("drawn", one_layer.DRAWN_RATIO))):
        second.plot(x, factor * curve, color=COLOURS[number], linewidth=0.9)
        _points(second, getattr(found.orthogonal, name), COLOURS[number], "o", f"{name} relevance")
        _points(second, getattr(found.normal, name), COLOURS[number], "s", "", hollow=True)
    second.set(title=f"Theorem 2, d = {SECOND_INPUTS}")
    for axes in (sizes, rules):
        axes.xaxis.set_major_formatter("{x:,.0f}")
    for axes in panels:
        axes.set(ylim=(-0.07, 1.03), xlabel="N, neurons")
        axes.axhline(0, color=GREY, linewidth=0.5, zorder=0)
        axes.tick_params(labelleft=axes is sizes)
    for axes, corner in zip(panels, ("lower right", "lower right", "upper left"), strict=True):
        axes.legend(loc=corner, bbox_to_anchor=(1.02, 0.06) if corner == "lower right" else None, handlelength=1.2)
    sizes.set_ylabel("cosine with the input")
    caption = (
        "Cosine of the signal at the input and the input x in a network of one hidden layer, simulated in double "
        "precision; lines are closed forms, points are means with 95 % intervals over "
        f"{REPETITIONS} repetitions ({OF_SECOND} on the right). Left, Guided Backprop with normal weights (full "
        "circles) and weights on a ring (open squares), on 1/√(1 + π²(d − 1)/N). Middle, what rules make of relevance "
        "that is drawn from a normal distribution; dashed, the limit of the z⁺-rule, which is nearer to the sign of x "
        "than to x. Right, relevance that equals the activations and relevance that is drawn, with orthogonal weights "
        "of one length (full), on √(N/2d) and √2/π of it, and with independent normal weights (open)."
    )
    return Drawing(figure, caption)
