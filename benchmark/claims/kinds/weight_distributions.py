"""Claim 7: random weights align the map if they are isotropic, normal or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from peephole.claims.aligned import FILTERS, Beside, beside, by_level, cascades, levels_of
from peephole.claims.base import CLAIMS, Claim
from peephole.claims.deep import deep_network, deep_words
from peephole.claims.panels import place
from peephole.claims.parts import answers
from peephole.claims.resampling import Draws
from peephole.errors import PeepholeError
from peephole.figures.style import GREY
from peephole.leaderboard.claim_result import Estimate, Expectation
from peephole.leaderboard.verdict import Criterion
from peephole.units.alignment import DRAWN, Alignment

if TYPE_CHECKING:
    from peephole.claims.study import Study
    from peephole.figures.base import Drawing
    from peephole.units.base import Unit

Values = NDArray[np.float64]
TALL, ABOVE, BELOW, LEFT, GAP = 1.4, 0.25, 0.4, 0.45, 0.12
"""Inches of the axes and around them."""


@CLAIMS.register
class WeightDistributions(Claim):
    """Normal, ring and uniform weights: two networks, three rules."""

    number: ClassVar[int] = 7
    title: ClassVar[str] = "Isotropic random weights align the map, normal or not; others less"
    source: ClassVar[str] = "P2 (alignment), figures 3 and 4 and section IV-B, GBP as partial input recovery"
    statement: ClassVar[str] = (
        "How well maps of a random network align with the picture depends on the isotropy of the weights and not on "
        "their being normal: weights on a ring (all neurons of one length, in all directions alike) align as normal "
        "ones do, and both do better than weights that are uniform entry by entry."
    )
    measured: ClassVar[str] = (
        "The cosine between what arrives at the input and the picture as the network gets it, with weights that "
        "are normal, on a ring, or uniform on [-1,1] entry by entry, brought to the same variance (in VGG16 "
        "without biases neither decision nor cosine depends on the scale; in a residual network they do). At full "
        "depth, mean of Guided Backprop, RectGrad and the z⁺-rule (without the last multiplication by the input). "
        "The suite's network and VGG16, the same pictures for all distributions; the draws are coupled: all three "
        "are functions of the same normal numbers. Where nothing arrives, the cosine counts as 0."
    )
    test: ClassVar[str] = (
        "Paired differences of mean cosines at full depth on the same pictures; uniform weights have to align "
        "less than each of the two others."
    )
    # 0.05 of cosine is what nobody would see in a map, or in the paper's figure 4.
    expectations: ClassVar[tuple[Expectation, ...]] = (
        Expectation(
            "ring_as_normal",
            "In the suite's network a ring aligns as well as normal weights.",
            "cosine at full depth, ring minus normal (-2 to 2)",
            Criterion("within", 0.05),
        ),
        Expectation(
            "ring_as_normal_deep",
            "In VGG16, too.",
            "cosine at full depth, ring minus normal (-2 to 2)",
            Criterion("within", 0.05),
        ),
        Expectation(
            "uniform_worse",
            "In the suite's network uniform weights align less than normal ones and those on a ring.",
            "cosine at full depth, the lower of normal and ring minus uniform (-2 to 2)",
            Criterion("above", 0.0),
        ),
        Expectation(
            "uniform_worse_deep",
            "In VGG16, too.",
            "cosine at full depth, the lower of normal and ring minus uniform (-2 to 2)",
            Criterion("above", 0.0),
        ),
    )

    def units(self, study: Study) -> Sequence[Unit]:
        """Cascades on the suite's network and the deep one, by distribution and draw."""
        return [unit for conditions in _conditions(study).values() for units in conditions.values() for unit in units]

    def examine(self, study: Study) -> Mapping[str, Estimate | str]:
        """See `Claim.examine`."""

        def at_full_depth(network: str) -> tuple[Draws, dict[str, Values]]:
            found = beside(study, _conditions(study)[network], "weight distributions")
            return found.draws, {name: found.means(name)[: len(FILTERS), -1].mean(axis=0) for name in DRAWN}

        def ring(network: str) -> Estimate:
            draws, means = at_full_depth(network)
            return draws.estimate(means["ring"] - means["normal"], self.level)

        def uniform(network: str) -> Estimate:
            draws, means = at_full_depth(network)
            return draws.estimate(np.stack([means["ring"], means["normal"]]) - means["uniform"], self.level)

        return answers(
            {
                "ring_as_normal": lambda: ring("suite"),
                "ring_as_normal_deep": lambda: ring("deep"),
                "uniform_worse": lambda: uniform("suite"),
                "uniform_worse_deep": lambda: uniform("deep"),
            }
        )

    def draw(self, study: Study, width: float) -> Drawing | None:
        """A row a network, a panel a rule, a line a distribution, as figure 4's."""
        found = {}
        for network, conditions in _conditions(study).items():
            try:
                found[network] = beside(study, conditions, "weight distributions")
            except PeepholeError:
                continue  # the verdicts say what is missing
        return _figure(study, found, width) if found else None


def _conditions(study: Study) -> dict[str, dict[str, list[Alignment]]]:
    networks = {"suite": study.clean_models[0].spec, "deep": deep_network(study)}
    return {
        network: {kind: cascades(study, spec, kind, deep=network == "deep") for kind in DRAWN}
        for network, spec in networks.items()
    }


def _figure(study: Study, found: Mapping[str, Beside], width: float) -> Drawing:
    from matplotlib.figure import Figure

    from peephole.figures.bands import Key
    from peephole.figures.base import Drawing

    key = Key(DRAWN, width)
    height = len(found) * (ABOVE + TALL + BELOW) + key.height
    figure = Figure(figsize=(width, height))
    wide, drawn = (width - LEFT) / len(FILTERS), []
    names = {"suite": study.plan.suite.model, "deep": study.extent.deep_model.removeprefix("torchvision_")}
    for (row, (network, one)), (column, rule) in product(enumerate(found.items()), enumerate(FILTERS.values())):
        bottom = key.height + (len(found) - 1 - row) * (ABOVE + TALL + BELOW) + BELOW
        axes = place(figure, LEFT + column * wide, bottom, wide - GAP, TALL)
        statistic = np.stack([one.means(kind)[column] for kind in DRAWN])
        by_level(axes, levels_of(one.first[DRAWN[0]]), DRAWN, one.draws, statistic)
        axes.axhline(0, color=GREY, linewidth=0.5, zorder=0)
        axes.set_title(f"{names[network]}, {rule}")
        axes.set_xlabel("N, layers whose rule is replaced")
        if not column:
            axes.set_ylabel("cosine with the input")
        axes.tick_params(labelleft=not column)
        drawn.append(axes)
    low, high = (pick(axes.get_ylim()[end] for axes in drawn) for end, pick in ((0, min), (1, max)))
    for axes in drawn:
        axes.set_ylim(low, high)
    key.draw(figure, drawn)
    caption = (
        "Cosine of what arrives at the input and the picture as the network gets it, when a rule replaces the gradient "
        "at the top N layers, in networks with random weights: normal, on a ring (each neuron's weights of one length, "
        "all directions alike), and uniform on [−1,1] entry by entry, all of the same variance. "
        f"{study.plan.suite.model} on {study.plan.suite.dataset.name} and {deep_words(study)}, {study.extent.draws} "
        f"networks of each; {' and '.join(str(one.draws.n) for one in found.values())} pictures of all networks. "
        "95 % intervals over pictures and networks; they hold for each line alone, while the verdicts compare "
        "distributions picture by picture, with weights made of the same random numbers."
    )
    return Drawing(figure, caption)
