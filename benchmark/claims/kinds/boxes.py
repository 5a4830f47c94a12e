"""Claim 4: fused maps lie within the object's box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from peephole.claims.base import CLAIMS, Claim
from peephole.claims.p1_methods import AT_TOP, BASELINES, FUSED, colour, key_to_colours, label
from peephole.claims.panels import ROW, bands, place, rows
from peephole.claims.parts import answers
from peephole.claims.resampling import Draws, draw
from peephole.errors import PeepholeError
from peephole.figures.style import GREY
from peephole.leaderboard.claim_result import Estimate, Expectation
from peephole.leaderboard.verdict import Criterion
from peephole.units.box_scores import BoxScores, Layer, box_scores

if TYPE_CHECKING:
    from peephole.claims.study import Study
    from peephole.figures.base import Drawing
    from peephole.units.base import Unit

METHODS = (*BASELINES, *FUSED)
NAMES, RIGHT, TITLE, BOTTOM = 1.4, 0.12, 0.25, 0.45
"""Inches around the panel."""


@CLAIMS.register
class Boxes(Claim):
    """P1's table 2: the energy-based pointing game with the boxes of objects, no trigger anywhere."""

    number: ClassVar[int] = 4
    title: ClassVar[str] = "Relevance within the object's box"
    source: ClassVar[str] = "P1, table 2, section 6 and A.3"
    statement: ClassVar[str] = (
        "On ordinary pictures, TIF of DeepLIFT with α = 0.9 keeps more of its relevance within the box of the object "
        "than any other method, than DeepLIFT itself, and than with a smaller α."
    )
    measured: ClassVar[str] = (
        "The share of positive relevance within the object's box (EBPG), on clean test pictures that a clean model "
        "gets right, explained for their class, those left out whose box covers more than half. Methods are taken "
        "where P1 takes them. Data sets without boxes cannot be tested."
    )
    test: ClassVar[str] = (
        "Differences of means on the same pictures; where it has to beat several, the smallest of the "
        "differences, each with an interval."
    )
    expectations: ClassVar[tuple[Expectation, ...]] = (
        Expectation(
            "fusion_leads",
            "TIF of DeepLIFT with α = 0.9 keeps more relevance in the box than every method that is no TIF.",
            "its EBPG less the best of the others' (-1 to 1)",
            Criterion("above", 0.0),
        ),
        Expectation(
            "fusion_gains",
            "It keeps more in the box than DeepLIFT at the input.",
            "EBPG of TIF of DeepLIFT with α = 0.9 less DeepLIFT's (-1 to 1)",
            Criterion("above", 0.0),
        ),
        Expectation(
            "alpha_rises",
            "A larger α keeps more in the box.",
            "EBPG with α = 0.9 less that with α = 0.5 (-1 to 1)",
            Criterion("above", 0.0),
        ),
    )

    def units(self, study: Study) -> Sequence[Unit]:
        """One a clean model; it finds out whether there are boxes."""
        return _units(study)

    def examine(self, study: Study) -> Mapping[str, Estimate | str]:
        """See `Claim`."""

        def lead(first: str, others: Sequence[str]) -> Estimate:
            means, draws = _means(study)
            ahead = [means[METHODS.index(first)] - means[METHODS.index(other)] for other in others]
            return draws.estimate(np.stack(ahead), self.level)

        return answers(
            {
                "fusion_leads": lambda: lead(FUSED[-1], BASELINES),
                "fusion_gains": lambda: lead(FUSED[-1], ["deeplift"]),
                "alpha_rises": lambda: lead(FUSED[-1], [FUSED[0]]),
            }
        )

    def draw(self, study: Study, width: float) -> Drawing | None:
        """A row a method."""
        try:
            means, draws = _means(study)
        except PeepholeError:
            return None
        return _drawing(means, draws, width)


def _units(study: Study) -> list[BoxScores]:
    asked: list[tuple[str, Layer]] = [(method, "last" if method in AT_TOP else "input") for method in METHODS]
    return [box_scores(model, asked, pictures=study.extent.boxed) for model in study.clean_models]


def _means(study: Study) -> tuple[NDArray[np.float64], Draws]:
    """The mean EBPG of each method, and in the last row of chance: ``[M + 1,rows]``.

    Raises:
        PeepholeError: there are no scores, or no boxes.
    """
    shards = [study.workspace.read(unit) for unit in _units(study) if study.has(unit)]
    if not shards:
        raise PeepholeError("the maps of clean pictures could not be made")
    if not all(shard.facts["boxes"] for shard in shards):
        raise PeepholeError(f"{study.plan.suite.dataset.name} has no boxes of objects")
    values = [np.vstack([shard.arrays["value"], shard.arrays["chance"]]) for shard in shards]
    draws = draw({"boxes": [value.shape[1] for value in values]}, "boxes")
    return draws.means("boxes", np.concatenate(values, axis=1)), draws


def _drawing(means: NDArray[np.float64], draws: Draws, width: float) -> Drawing:
    from matplotlib.figure import Figure

    from peephole.figures.base import Drawing

    tall = ROW * len(METHODS) + 0.1
    figure = Figure(figsize=(width, TITLE + tall + BOTTOM))
    axes = place(figure, NAMES, BOTTOM, width - NAMES - RIGHT, tall)
    rows(axes, [*map(label, METHODS)], [*map(colour, METHODS)], bands(draws, means[:-1]))
    axes.axvline(means[-1, 0], color=GREY, linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)
    axes.set_title("share of the relevance within the object's box ↑")
    key_to_colours(axes, METHODS, loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=4)
    caption = (
        f"The energy-based pointing game on {draws.n} clean pictures that clean models get right ({draws.networks}), "
        "no box covering more than half: the share of positive relevance for the class that lies within the object's "
        "box. Grad-CAM, Score-CAM and CAMERAS at the last layer, FullGrad and TIF with all layers, the others at the "
        "input. Points are means over models and pictures, bars their 95 % intervals; dotted: chance, the share of the "
        "picture that the box covers. P1 finds TIF of DeepLIFT with α = 0.9 ahead of all."
    )
    return Drawing(figure, caption)
