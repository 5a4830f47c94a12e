"""Claim 17: without their last step, negative filtering rules draw the same picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from peephole.claims.aligned import Beside, beside, of_models
from peephole.claims.base import CLAIMS, Claim
from peephole.claims.parts import answers
from peephole.errors import PeepholeError
from peephole.leaderboard.claim_result import Estimate, Expectation
from peephole.leaderboard.verdict import Criterion
from peephole.units.alignment import Aligned, Alignment, read_alignment

if TYPE_CHECKING:
    from peephole.claims.study import Study
    from peephole.figures.base import Drawing
    from peephole.units.base import Unit

WEIGHTS: Mapping[str, str] = MappingProxyType({"trained": "trained", "normal": "random"})
COLUMNS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "Input×Gradient": ("gradient", "input_x_gradient"),
        "Guided Backprop": ("guided_backprop", "guided_backprop"),
        "RectGrad": ("rectgrad(bottom=False)", "rectgrad"),
        "LRP-α1β0": ("lrp_alpha1_beta0(bottom=False)", "lrp_alpha1_beta0"),
        "DTD": ("dtd(bottom=False)", "dtd"),
        "Activation": ("activation", "activation"),
    }
)
"""Rules of table I, without their last step and with it."""
FOUR = ("guided_backprop", "rectgrad(bottom=False)", "lrp_alpha1_beta0(bottom=False)", "dtd(bottom=False)")
SAME = {"lrp_alpha1_beta0(bottom=False)", "dtd(bottom=False)"}
"""Two names of one map."""
ALL = tuple(dict.fromkeys(text for texts in COLUMNS.values() for text in texts))
LEFT, ABOVE, BESIDE = 0.55, 0.18, 0.16
"""Inches around maps, and between rows of them."""


@CLAIMS.register
class RulesAlike(Claim):
    """Six rules, with and without their last step, on trained and on random weights."""

    number: ClassVar[int] = 17
    title: ClassVar[str] = "Without their last step, negative filtering rules draw the same picture"
    source: ClassVar[str] = "P2 (alignment), table I and section IV-A, Visual inspection"
    statement: ClassVar[str] = (
        "Guided Backprop, RectGrad, LRP and DTD share what they do on the way back. Without the step that each adds at "
        "the input their maps are much alike, more than each is like the gradient, and with random weights they show "
        "the picture itself."
    )
    measured: ClassVar[str] = (
        "Maps of Guided Backprop, RectGrad, LRP-α1β0, DTD, Input×Gradient and Activation at the input, without their "
        "last step (which leaves the gradient of Input×Gradient): cosines between maps of one picture, and with the "
        "picture as the network gets it. The clean models of the suite and the same networks with random normal "
        "weights, on the same pictures. LRP-α1β0 and DTD differ in their last step only, so that pair is left out. "
        "Where nothing arrives, the cosine counts as 0."
    )
    test: ClassVar[str] = "Means of cosines and paired differences."
    # The paper speaks of strong similarity: a cosine above 0.5, an angle below 60 degrees, is the least of that.
    expectations: ClassVar[tuple[Expectation, ...]] = (
        Expectation(
            "alike_trained",
            "With trained weights the rules' maps are much alike.",
            "mean cosine between maps of two of the four rules (-1 to 1)",
            Criterion("above", 0.5),
        ),
        Expectation(
            "alike_random",
            "With random weights, too.",
            "mean cosine between maps of two of the four rules (-1 to 1)",
            Criterion("above", 0.5),
        ),
        Expectation(
            "more_than_gradient_trained",
            "With trained weights they are more alike than they are like the gradient.",
            "mean cosine between two of the four rules minus between each and the gradient (-2 to 2)",
            Criterion("above", 0.0),
        ),
        Expectation(
            "more_than_gradient_random",
            "With random weights, too.",
            "mean cosine between two of the four rules minus between each and the gradient (-2 to 2)",
            Criterion("above", 0.0),
        ),
        Expectation(
            "random_shows_the_picture",
            "With random weights the four rules' maps are more like the picture than with trained ones.",
            "cosine of map and picture, mean of the four rules, random minus trained (-2 to 2)",
            Criterion("above", 0.0),
        ),
    )

    def units(self, study: Study) -> Sequence[Unit]:
        """All rules on every clean model, and on the same networks with random weights."""
        return [unit for units in _conditions(study).values() for unit in units]

    def examine(self, study: Study) -> Mapping[str, Estimate | str]:
        """See `Claim.examine`."""

        def alike(weights: str) -> Estimate:
            found, filters, _ = _pairs(study, weights)
            return found.draws.estimate(found.draws.means("pictures", filters), self.level)

        def more(weights: str) -> Estimate:
            found, filters, gradient = _pairs(study, weights)
            return found.draws.estimate(found.draws.means("pictures", filters - gradient), self.level)

        def shows() -> Estimate:
            found = beside(study, _conditions(study), "rules alike")
            means = {
                weights: found.means(weights)[[found.first[weights].row(text) for text in FOUR], 0].mean(axis=0)
                for weights in WEIGHTS
            }
            return found.draws.estimate(means["normal"] - means["trained"], self.level)

        return answers(
            {
                "alike_trained": lambda: alike("trained"),
                "alike_random": lambda: alike("normal"),
                "more_than_gradient_trained": lambda: more("trained"),
                "more_than_gradient_random": lambda: more("normal"),
                "random_shows_the_picture": shows,
            }
        )

    def draw(self, study: Study, width: float) -> Drawing | None:
        """The pictures of table I."""
        try:
            found = beside(study, _conditions(study), "rules alike")
        except PeepholeError:
            return None  # the verdicts say what is missing
        return _figure(study, found, width)


def _conditions(study: Study) -> dict[str, list[Alignment]]:
    return {weights: of_models(study, weights, ALL, pairs=True, shown=1) for weights in WEIGHTS}


def _pairs(study: Study, weights: str) -> tuple[Beside, NDArray[np.float64], NDArray[np.float64]]:
    """By picture, the mean cosine of two of the four rules' maps, and of each and the gradient's: ``[P]`` both."""
    units = _conditions(study)[weights]
    found = beside(study, {weights: units}, "rules alike")
    each = [read_alignment(unit, study.workspace) for unit in units if study.has(unit)]
    filters, gradient = zip(*map(likeness, each), strict=True)
    return found, np.concatenate(filters), np.concatenate(gradient)


def likeness(aligned: Aligned) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of one network, as `_pairs`; a map of zeros is like nothing."""
    pairs = np.nan_to_num(aligned.pairs, nan=0.0)
    different = [pair for pair in combinations(FOUR, 2) if set(pair) != SAME]
    filters = [pairs[aligned.row(one), aligned.row(other)] for one, other in different]
    gradient = [pairs[aligned.row(one), aligned.row("gradient")] for one in FOUR]
    return np.mean(filters, axis=0), np.mean(gradient, axis=0)


def _figure(study: Study, found: Beside, width: float) -> Drawing:
    from matplotlib.figure import Figure

    from peephole.explaining.tiles import GAP, Tile, as_picture, as_shown, draw_row
    from peephole.figures.base import Drawing

    side = (width - LEFT) / (len(COLUMNS) + 1) - GAP
    step = side + BESIDE
    figure = Figure(figsize=(width, ABOVE + 4 * step))
    dataset = study.clean_models[0].spec["dataset"]
    image = np.asarray(study.workspace.pictures(dataset, "test").images[int(found.first["trained"].index[0])])
    lines = [(weights, bottom) for bottom in (1, 0) for weights in ("normal", "trained")]
    for number, (weights, bottom) in enumerate(lines):
        one, top = found.first[weights], ABOVE + number * step
        tiles = [
            Tile(
                as_picture(one.maps[one.row(texts[bottom]), 0]),
                "" if number else words,
                f"{found.means(weights)[one.row(texts[bottom]), 0, 0]:.2f}",
            )
            for words, texts in COLUMNS.items()
        ]
        draw_row(figure, tiles, top, side, left=LEFT + side + GAP, size=6.5)
        words = f"{WEIGHTS[weights]}\n{'with' if bottom else 'without'}\nlast step"
        figure.text(
            (LEFT - 0.05) / width,
            1 - (top + side / 2) / figure.get_figheight(),
            words,
            ha="right",
            va="center",
            fontsize=6.5,
        )
    draw_row(figure, [Tile(as_shown(image / 255), "picture")], ABOVE, side, left=LEFT, size=6.5)
    caption = (
        f"{study.plan.suite.model} on {study.plan.suite.dataset.name}: the same picture, the first of a random order, "
        "explained for the network's decision by six rules, with random normal weights and with those of the first "
        "clean model; above with the last step that each rule adds at the input (Guided Backprop and Activation have "
        "none), below without. Each map from its lowest value, black, to its highest, white, its three channels as "
        f"colours. Below each map, the mean cosine with the picture as the network gets it, over {found.draws.n} test "
        f"pictures of {found.draws.networks}."
    )
    return Drawing(figure, caption)
