"""Claim 15: whether simple triggers say how methods do on triggers that need their context."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from peephole.claims.agreement import kendall
from peephole.claims.base import CLAIMS, Claim
from peephole.claims.p1_methods import BASELINES, at_own_layer, colour, label
from peephole.claims.panels import place
from peephole.claims.parts import Scored, answers, scored
from peephole.errors import PeepholeError
from peephole.figures.style import SMALL
from peephole.leaderboard.claim_result import Estimate, Expectation
from peephole.leaderboard.scale import scales
from peephole.leaderboard.verdict import Criterion

if TYPE_CHECKING:
    from peephole.claims.study import Study, Values
    from peephole.figures.base import Drawing
    from peephole.units.base import Unit

AGREEMENT = 0.5
"""Of Kendall's τ: three pairs of methods of four keep their order. Less is no ground to choose a method on."""
MARGIN = 0.2
"""Of a difference of two."""
PATCHES = ("badnet", "dynamic")
SHAPES = ("square", "x")
CONTEXT = ("input_aware", "wanet")
METRICS = {"restore": "restore", "removal": "morf_minus_lerf"}
"""By what expectations call them."""
TITLES = {
    "restore": "restoring pixels",
    "morf_minus_lerf": "removing pixels",
    "badnet": "BadNet",
    "dynamic": "Dynamic",
    "square": "square",
    "x": "X",
    "input_aware": "Input-\nAware",
    "wanet": "WaNet",
}
GROUPS = (PATCHES, SHAPES, CONTEXT)
TITLE, BOTTOM, NAMES, ROW = 0.25, 0.4, 1.27, 0.16
"""Inches around the panels, and of a row."""


@CLAIMS.register
class Context(Claim):
    """P2's warning: a board made with BadNet and its kin says nothing of triggers that work by their context."""

    number: ClassVar[int] = 15
    title: ClassVar[str] = "From simple triggers to those that need their context"
    source: ClassVar[str] = "ours, after P2's warning in section V-B2"
    statement: ClassVar[str] = (
        "An order of methods that is found with triggers like BadNet's predicts their order with triggers that decide "
        "together with the picture (Input-Aware, WaNet), as well as it predicts their order with other simple ones. P2 "
        "warns that boards of BadNet's kin say nothing of the former."
    )
    measured: ClassVar[str] = (
        "Mean scores of P1's methods and plain gradients under BadNet, Dynamic, square and X on one side, Input-Aware "
        "and WaNet on the other: how soon the attack fails when the clean picture is put back where the map points, "
        "and MoRF less LeRF. Each method at the input, or at the last layer if that is where it is commonly taken; "
        "each trigger's scores are brought to 0 at chance and 1 for the truth itself before their mean is taken. "
        "Triggers are left out under which the truth itself does no better than chance."
    )
    test: ClassVar[str] = (
        "Kendall's τ-b between the two orders; beside it that of BadNet and Dynamic with square and X, the "
        "yardstick: what two boards of simple triggers share, with the noise of so many pictures, which draws "
        "every τ to 0; and the difference of the two."
    )
    expectations: ClassVar[tuple[Expectation, ...]] = (
        Expectation(
            "restore_simple",
            "Two kinds of simple triggers order methods alike by restoring pixels.",
            "Kendall's τ of mean restore under BadNet and Dynamic with that under square and X (-1 to 1)",
            Criterion("above", AGREEMENT),
        ),
        Expectation(
            "restore_context",
            "Simple triggers predict the order under context triggers, by restoring pixels.",
            "Kendall's τ of mean restore under simple triggers with that under Input-Aware and WaNet (-1 to 1)",
            Criterion("above", AGREEMENT),
        ),
        Expectation(
            "removal_simple",
            "Two kinds of simple triggers order methods alike by removing pixels.",
            "Kendall's τ of mean MoRF less LeRF under BadNet and Dynamic with that under square and X (-1 to 1)",
            Criterion("above", AGREEMENT),
        ),
        Expectation(
            "removal_context",
            "Simple triggers predict the order under context triggers, by removing pixels.",
            "Kendall's τ of mean MoRF less LeRF under simple triggers with that under Input-Aware and WaNet (-1 to 1)",
            Criterion("above", AGREEMENT),
        ),
        # By less than 0.2 two orders of ten methods differ in fewer than five of 45 pairs.
        *(
            Expectation(
                f"{name}_as_well",
                f"Context triggers are predicted as well as other simple triggers are, {words}.",
                "Kendall's τ of simple triggers with context triggers less that of the simple ones among themselves",
                Criterion("above", -MARGIN),
            )
            for name, words in (("restore", "by restoring pixels"), ("removal", "by removing pixels"))
        ),
    )
    methods: ClassVar[tuple[str, ...]] = ("gradient", *BASELINES, "input_x_guided_backprop", "tif(deeplift, 0.9)")

    def units(self, study: Study) -> Sequence[Unit]:
        """The scores by metrics that ask the network."""
        return [row.scores for row in study.rows(self.methods, METRICS.values(), *SHAPES, *PATCHES, *CONTEXT)]

    def examine(self, study: Study) -> Mapping[str, Estimate | str]:
        """See `Claim`."""

        def agreement(metric: str, first: Sequence[str], second: Sequence[str]) -> Estimate:
            found = self._scored(study, metric)
            agreed = kendall(_scaled(found, first), _scaled(found, second))
            return found.estimate(agreed, self.level, _told_apart(found, (*first, *second)))

        def as_well(metric: str) -> Estimate:
            found, simple = self._scored(study, metric), (*PATCHES, *SHAPES)
            outside = kendall(_scaled(found, simple), _scaled(found, CONTEXT))
            among = kendall(_scaled(found, PATCHES), _scaled(found, SHAPES))
            return found.estimate(outside - among, self.level, _told_apart(found, (*simple, *CONTEXT)))

        orders = {
            f"{name}_{against}": partial(agreement, metric, *groups)
            for name, metric in METRICS.items()
            for against, groups in (("simple", (PATCHES, SHAPES)), ("context", ((*PATCHES, *SHAPES), CONTEXT)))
        }
        return answers(orders | {f"{name}_as_well": partial(as_well, metric) for name, metric in METRICS.items()})

    def draw(self, study: Study, width: float) -> Drawing | None:
        """Ranks under three kinds of triggers; a line a method."""
        try:
            return _drawing({metric: self._scored(study, metric) for metric in METRICS.values()}, width)
        except PeepholeError:
            return None

    def _scored(self, study: Study, metric: str) -> Scored:
        return scored(study, metric, self.methods, (*PATCHES, *SHAPES, *CONTEXT), "context")


def _scaled(found: Scored, triggers: Sequence[str]) -> NDArray[np.float64]:
    """Mean scores of the methods over those of some triggers that there are, 0 being chance and 1 the truth itself.

    A trigger under which the truth is no better than chance says nothing of maps, and is left out, as on a board.

    Returns:
        ``[M,rows]``.

    Raises:
        PeepholeError: none of the triggers is left.
    """
    parts = []
    for trigger in _told_apart(found, triggers):
        values = found.values[trigger]
        scale = np.repeat(_scales(values), values.sizes)
        parts.append(found.draws.means(trigger, (at_own_layer(values) - values.chance) / scale))
    if not parts:
        raise PeepholeError(
            f"under {' or '.join(triggers)}, no model meets its gates, or the truth scores no better than chance"
        )
    scaled: NDArray[np.float64] = np.mean(parts, axis=0)
    return scaled


def _told_apart(found: Scored, triggers: Sequence[str]) -> list[str]:
    """The triggers that there are, and under which the truth is better than chance."""
    there = [trigger for trigger in triggers if trigger in found.values]
    return [trigger for trigger in there if not np.isnan(_scales(found.values[trigger])).any()]


def _scales(values: Values) -> NDArray[np.float64]:
    """What the scores of each model are divided by, NaN if there is nothing."""
    return scales(values.chance, values.best, values.sizes, "lower" if values.lower else "higher")


def _drawing(found: Mapping[str, Scored], width: float) -> Drawing:
    from matplotlib.figure import Figure
    from scipy.stats import rankdata

    from peephole.figures.base import Drawing

    methods = Context.methods
    count = len(methods)
    tall = ROW * count + 0.1
    figure = Figure(figsize=(width, TITLE + tall + BOTTOM))
    half = width / len(found)
    for column, (metric, one) in enumerate(found.items()):
        axes = place(figure, column * half + NAMES, BOTTOM, half - 2 * NAMES, tall)
        groups = [triggers for triggers in GROUPS if _told_apart(one, triggers)]
        means = np.stack([_scaled(one, triggers)[:, 0] for triggers in groups])
        ranks = rankdata(-means, axis=1)
        for number, method in enumerate(methods):
            axes.plot(ranks[:, number], "o-", color=colour(method), markersize=3.4, markeredgewidth=0)
        for at, side in ((0, "left"), (len(groups) - 1, "right")):
            order = np.argsort(ranks[at], kind="stable")
            for row, number in enumerate(order, start=1):
                shift, aligned = (-5, "right") if side == "left" else (5, "left")
                axes.annotate(
                    label(methods[number]),
                    (at, row),
                    xytext=(shift, 0),
                    textcoords="offset points",
                    ha=aligned,
                    va="center",
                    fontsize=SMALL,
                    color=colour(methods[number]),
                )
        names = ["\n".join(TITLES[trigger] for trigger in _told_apart(one, triggers)) for triggers in groups]
        axes.set_xticks(range(len(names)), names, fontsize=SMALL)
        axes.set_yticks([])
        axes.set_ylim(count + 0.6, 0.4)
        axes.spines[["left", "bottom"]].set_visible(False)
        axes.tick_params(axis="x", length=0)
        axes.set_title(f"({'ab'[column]}) by {TITLES[metric]}")
    caption = (
        "The order of methods, the best at the top, under three kinds of triggers; (a) by how soon the attack fails "
        "when the clean picture is put back where the map points, (b) by MoRF less LeRF. A line a method, coloured by "
        "its kind: blue gradient-like, orange CAM-like, violet Guided Grad-CAM, red TIF, grey the plain gradient. "
        "Ranks are of means over triggers, models and pictures; ranks that are near each other may be no more than "
        "noise, which the intervals of the table account for."
    )
    return Drawing(figure, caption)
