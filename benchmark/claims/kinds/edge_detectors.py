"""Claim 16: which methods find the trigger where the network does not look at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from peephole.claims.base import CLAIMS, Claim
from peephole.claims.p1_methods import at_own_layer, label
from peephole.claims.panels import bands, place, rows
from peephole.claims.parts import answers, scored
from peephole.claims.resampling import Draws, draw
from peephole.errors import PeepholeError
from peephole.figures.style import COLOURS, GREY
from peephole.leaderboard.claim_result import Estimate, Expectation
from peephole.leaderboard.verdict import Criterion

if TYPE_CHECKING:
    from peephole.claims.study import Study, Values
    from peephole.figures.base import Drawing
    from peephole.units.base import Unit

MANY = 1 << 32
"""More than a model has pictures."""
NAMES, RIGHT, TITLE, BOTTOM, WIDE_ROW = 1.45, 0.12, 0.25, 0.25, 0.17
"""Inches around the panels, and of a row."""
HALF = 0.5
"""Of a method's score: more than that is owed to the picture rather than to what the network looks at."""
TRIGGERS = ("square", "x", "badnet", "dynamic")
"""Those whose truth has edges and which one label answers to."""
SHARE = "its score on the clean twin as a share of that on the poisoned model (0: none of it, 1: all of it)"
PICTURE = {"guided_backprop": "Guided Backprop", "deconv": "Deconv", "lrp_alpha1_beta0": "LRP-α1β0"}
NETWORK = {"gradient": "The gradient", "grad_cam": "Grad-CAM"}


@CLAIMS.register
class EdgeDetectors(Claim):
    """Rules that cut negative signal off are said to reconstruct the picture; a clean twin shows by how much."""

    number: ClassVar[int] = 16
    title: ClassVar[str] = "Finding the trigger on a network that ignores it"
    source: ClassVar[str] = "ours; after the sanity checks that P1 quotes in figure 1 (Adebayo et al. 2018)"
    statement: ClassVar[str] = (
        "Methods that keep positive signal only (Guided Backprop, Deconv, LRP-α1β0) find a trigger because it stands "
        "out in the picture: they find it as well on a clean twin, which does not look at it. The gradient and "
        "Grad-CAM do not."
    )
    measured: ClassVar[str] = (
        "Average precision against the truth, 0 at chance and 1 for the truth itself, of the same stamped pictures for "
        "the same label on the poisoned model and on its clean twin; square, X, BadNet and Dynamic. Grad-CAM at the "
        "last layer, all others at the input."
    )
    test: ClassVar[str] = "The mean over triggers on the twin over that on the poisoned model."
    expectations: ClassVar[tuple[Expectation, ...]] = (
        *(
            Expectation(
                method,
                f"{name} owes more than half of its score to the picture.",
                SHARE,
                Criterion("above", HALF),
            )
            for method, name in PICTURE.items()
        ),
        *(
            Expectation(
                method,
                f"{name} owes less than half of its score to the picture.",
                SHARE,
                Criterion("below", HALF),
            )
            for method, name in NETWORK.items()
        ),
    )
    methods: ClassVar[tuple[str, ...]] = (
        *PICTURE,
        *NETWORK,
        *("input_x_gradient", "input_x_guided_backprop", "deeplift", "fullgrad", "tif(deeplift, 0.9)"),
    )

    def units(self, study: Study) -> Sequence[Unit]:
        """The scores against the truth, and against those on the twin."""
        return [row.scores for row in study.rows(self.methods, ["truth_auprc", "twin_difference"], *TRIGGERS)]

    def examine(self, study: Study) -> Mapping[str, Estimate | str]:
        """See `Claim`."""

        def share(method: str) -> Estimate:
            found = twin_scores(study, self.methods)
            poisoned, twin = (part[self.methods.index(method)] for part in found.means())
            if found.draws.estimate(poisoned, self.level).low <= 0:
                raise PeepholeError(f"{method} does not find the trigger on the poisoned model either")
            return found.estimate(twin / poisoned, self.level)

        return answers({expectation.name: partial(share, expectation.name) for expectation in self.expectations})

    def draw(self, study: Study, width: float) -> Drawing | None:
        """A row a method: its score on both models, and the share."""
        try:
            return _drawing(twin_scores(study, self.methods), self.methods, width)
        except PeepholeError:
            return None


@dataclass(frozen=True, eq=False)
class TwinScores:
    """Scores of the same maps' pictures on two models, each method where it is commonly taken.

    Attributes:
        poisoned: by trigger float64 ``[M,P]``, 0 at chance and 1 for the truth itself.
        twin: the same on the clean twin.
        draws: a group a trigger.
    """

    poisoned: Mapping[str, NDArray[np.float64]]
    twin: Mapping[str, NDArray[np.float64]]
    draws: Draws

    def means(self) -> NDArray[np.float64]:
        """Means over triggers, on the poisoned model and on its twin: ``[2,M,rows]``."""
        sides = (self.poisoned, self.twin)
        found = [[self.draws.means(trigger, side[trigger]) for side in sides] for trigger in self.poisoned]
        mean: NDArray[np.float64] = np.mean(found, axis=0)
        return mean

    def estimate(self, statistic: NDArray[np.float64], level: float) -> Estimate:
        """As `Draws.estimate`, and it says under which triggers."""
        found = self.draws.estimate(statistic, level)
        return replace(found, of=f"{found.of}, under {', '.join(self.poisoned)}")


def twin_scores(study: Study, methods: Sequence[str]) -> TwinScores:
    """What is stored is the score on the poisoned model and, of some of the pictures, its difference to the twin's.

    Raises:
        PeepholeError: no model with such a trigger meets its gates and has both.
    """
    whole = scored(study, "truth_auprc", methods, TRIGGERS, "edge_detectors").values
    less = scored(study, "twin_difference", methods, TRIGGERS, "edge_detectors").values
    poisoned, twin, sizes = {}, {}, {}
    for trigger in (trigger for trigger in whole if trigger in less):
        score, difference = whole[trigger], less[trigger]
        common, here, there = np.intersect1d(_numbers(score), _numbers(difference), return_indices=True)
        corrected = (at_own_layer(score) - score.chance) / (1 - score.chance)
        poisoned[trigger] = corrected[:, here]
        twin[trigger] = poisoned[trigger] - at_own_layer(difference)[:, there]
        sizes[trigger] = np.unique(common // MANY, return_counts=True)[1].tolist()
    if not poisoned:
        raise PeepholeError("no trigger has both the truth's score and the difference to the twin")
    return TwinScores(poisoned, twin, draw(sizes, "edge_detectors"))


def _numbers(values: Values) -> NDArray[np.int64]:
    """A number for each picture of each model, ascending model by model, int64 ``[P]``."""
    order = np.argsort(np.argsort(values.seeds))
    return np.repeat(order, values.sizes) * MANY + values.places


def _drawing(found: TwinScores, methods: Sequence[str], width: float) -> Drawing:
    from matplotlib.figure import Figure

    from peephole.figures.base import Drawing

    tall = WIDE_ROW * len(methods) + 0.1
    figure = Figure(figsize=(width, TITLE + tall + BOTTOM))
    names, means = [*map(label, methods)], found.means()
    first, second = 0.6 * (width - NAMES), 0.4 * (width - NAMES)
    axes = place(figure, NAMES, BOTTOM, first - RIGHT, tall)
    for side, colour, shift in ((0, COLOURS[0], -0.14), (1, COLOURS[1], 0.14)):
        rows(axes, names, [colour] * len(names), bands(found.draws, means[side]), shift)
    axes.axvline(0, color=GREY, linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)
    axes.set_title("(a) score on the poisoned model (blue) and its clean twin (orange)")
    axes = place(figure, NAMES + first, BOTTOM, second - RIGHT, tall)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = means[1] / means[0]
    ratios[bands(found.draws, means[0])[1] <= 0] = np.nan
    rows(axes, [""] * len(names), [COLOURS[4]] * len(names), bands(found.draws, ratios))
    axes.axvline(HALF, color=GREY, linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)
    axes.set_title("(b) twin's share")
    caption = (
        f"Average precision against the truth under {', '.join(found.poisoned)}; 0 (dotted) is chance and 1 the truth "
        "itself. (a) The same stamped pictures, explained for the same label on the poisoned model and on its clean "
        "twin, which does not look at the trigger; Grad-CAM at the last layer, all others at the input. (b) The twin's "
        "score as a share of the poisoned model's: right of the dotted line, more than half of it is owed to the "
        "picture; no point where the score on the poisoned model is not above chance. Points are means over triggers, "
        "models and pictures, bars their 95 % intervals."
    )
    return Drawing(figure, caption)
