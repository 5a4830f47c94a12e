"""Claim 8: removing weights of the upper layers harms the alignment, drawing them anew does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from peephole.claims.aligned import FILTERS, beside, of_models
from peephole.claims.base import CLAIMS, Claim
from peephole.claims.panels import bands, place, rows
from peephole.claims.parts import answers
from peephole.errors import PeepholeError
from peephole.figures.style import COLOURS, GREY
from peephole.leaderboard.claim_result import Estimate, Expectation
from peephole.leaderboard.verdict import Criterion
from peephole.units.alignment import Alignment

if TYPE_CHECKING:
    from peephole.claims.study import Study
    from peephole.figures.base import Drawing
    from peephole.units.base import Unit

AS_IT_IS, ANEW, REMOVED = "trained", "upper_randomised", "upper_removed"
WORDS: Mapping[str, str] = MappingProxyType({AS_IT_IS: "trained", ANEW: "drawn anew", REMOVED: "removed"})
SIDE, LEFT, ABOVE = 0.78, 0.95, 0.2
"""Inches of a map, and around maps."""


@CLAIMS.register
class WeightRemoval(Claim):
    """The upper half drawn anew, or mostly removed."""

    number: ClassVar[int] = 8
    title: ClassVar[str] = "Maps survive random weights in the upper half, but not their removal"
    source: ClassVar[str] = "P2 (alignment), figure 5 and section IV-B, Nonnegative matrices multiplication"
    statement: ClassVar[str] = (
        "That maps of negative filtering rules do not change when upper layers are randomised is no insensitivity to "
        "whatever happens there: random weights do not disturb the cascade of alignment, but if most weights are "
        "removed, the map loses its content."
    )
    measured: ClassVar[str] = (
        "The cosine between what arrives at the input and the picture as the network gets it, mean of Guided Backprop, "
        "RectGrad and the z⁺-rule (without the last multiplication by the input), for the clean models of the suite as "
        "they are, with the upper half of the stages drawn anew, and with weights removed in the same stages: linear "
        "layers keep 0.25 % of their inputs (at least one, drawn), convolutions the first row and column of each "
        "kernel. Where nothing arrives, the cosine counts as 0."
    )
    test: ClassVar[str] = "Paired differences of mean cosines on the same pictures."
    # "A marked loss" is more than 0.05 of cosine, and no loss is less than that: the tolerance of claim 7.
    expectations: ClassVar[tuple[Expectation, ...]] = (
        Expectation(
            "removal_harms",
            "Removing weights in the upper half costs alignment.",
            "cosine, trained minus removed (-2 to 2)",
            Criterion("above", 0.05),
        ),
        Expectation(
            "randomisation_does_not",
            "Drawing them anew does not.",
            "cosine, trained minus drawn anew (-2 to 2)",
            Criterion("below", 0.05),
        ),
        Expectation(
            "removal_is_worse",
            "Removal costs more alignment than drawing anew.",
            "cosine, drawn anew minus removed (-2 to 2)",
            Criterion("above", 0.0),
        ),
    )

    def units(self, study: Study) -> Sequence[Unit]:
        """The rules on every clean model as it is, and with its upper half changed in two ways."""
        return [unit for units in _conditions(study).values() for unit in units]

    def examine(self, study: Study) -> Mapping[str, Estimate | str]:
        """See `Claim.examine`."""

        def minus(one: str, other: str) -> Estimate:
            found = beside(study, _conditions(study), "weight removal")
            means = {name: found.means(name)[:, 0].mean(axis=0) for name in (one, other)}
            return found.draws.estimate(means[one] - means[other], self.level)

        return answers(
            {
                "removal_harms": lambda: minus(AS_IT_IS, REMOVED),
                "randomisation_does_not": lambda: minus(AS_IT_IS, ANEW),
                "removal_is_worse": lambda: minus(ANEW, REMOVED),
            }
        )

    def draw(self, study: Study, width: float) -> Drawing | None:
        """Maps of one picture as in figure 5, and the means beside them."""
        from matplotlib.figure import Figure

        from peephole.explaining.tiles import GAP, Tile, as_picture, as_shown, draw_row
        from peephole.figures.base import Drawing

        try:
            found = beside(study, _conditions(study), "weight removal")
        except PeepholeError:
            return None  # the verdicts say what is missing
        height = ABOVE + len(FILTERS) * (SIDE + GAP) + 0.36
        figure = Figure(figsize=(width, height))
        dataset = study.clean_models[0].spec["dataset"]
        picture = study.workspace.pictures(dataset, "test").images[int(found.first[AS_IT_IS].index[0])]
        for number, rule in enumerate(FILTERS.values()):
            tiles = [
                Tile(as_picture(found.first[name].maps[number, 0]), "" if number else words)
                for name, words in WORDS.items()
            ]
            top = ABOVE + number * (SIDE + GAP)
            draw_row(figure, tiles, top, SIDE, left=LEFT + SIDE + GAP, size=7)
            middle = 1 - (top + SIDE / 2) / height
            figure.text((LEFT - 0.06) / width, middle, rule, ha="right", va="center", fontsize=7)
        draw_row(figure, [Tile(as_shown(np.asarray(picture) / 255), "picture")], ABOVE, SIDE, left=LEFT, size=7)
        left, tall = LEFT + 4 * (SIDE + GAP) + 0.9, len(FILTERS) * (SIDE + GAP)
        axes = place(figure, left, height - ABOVE - tall, width - left - 0.15, tall)
        statistic = np.concatenate(
            [np.stack([found.means(name)[number, 0] for name in WORDS]) for number in range(len(FILTERS))]
        )
        colours = [COLOURS[number] for _ in FILTERS for number in range(len(WORDS))]
        rows(axes, list(WORDS.values()) * len(FILTERS), colours, bands(found.draws, statistic))
        axes.set_ylim(len(colours) - 0.5, -0.5)  # each rule's rows beside its maps
        for number in range(1, len(FILTERS)):
            axes.axhline(number * len(WORDS) - 0.5, color=GREY, linewidth=0.5)
        axes.set_xlabel("cosine with the input")
        caption = (
            f"{study.plan.suite.model} on {study.plan.suite.dataset.name}: what arrives at the input, by three rules "
            "without their last step, on the clean model as it is, with the upper half of its stages drawn anew "
            "(normal weights, no biases), and with most weights of these stages removed (0.25 % of a linear layer's "
            "inputs are kept, and the first row and column of each kernel). Left, the first picture of a random order "
            "on the first model; each map from its lowest value, black, to its highest, white, in colour. Right, "
            f"beside the maps of each rule, the mean cosine with the picture as the network gets it, over "
            f"{found.draws.n} test pictures of {found.draws.networks}, with 95 % intervals."
        )
        return Drawing(figure, caption)


def _conditions(study: Study) -> dict[str, list[Alignment]]:
    return {name: of_models(study, name, FILTERS, shown=1) for name in (AS_IT_IS, ANEW, REMOVED)}
