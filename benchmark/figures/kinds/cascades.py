"""Input alignment against the depth of cascade substitution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from peephole.figures.bands import Key, line
from peephole.figures.base import FIGURES, Drawing, PaperFigure, Selection
from peephole.figures.results import Results
from peephole.figures.style import GREY
from peephole.leaderboard.bootstrap import percentile_interval, resample_weights
from peephole.units.alignment import TRAINED, Aligned, alignment_unit, cascade_text, read_alignment

METHODS = ("guided_backprop", "rectgrad", "lrp_alpha1_beta0", "activation")
"""Those of P2: GBP, RectGrad, z⁺ and activation weighting."""
TALL, BELOW, ABOVE, LEFT, GAP = 1.9, 0.4, 0.25, 0.45, 0.12
"""Inches of the axes and around them."""


@FIGURES.register
@dataclass(frozen=True)
class Cascades(PaperFigure):
    """Two panels, the clean model with its weights and with random ones: mean alignment by N with its 95 % interval.

    Attributes:
        pictures: how many test pictures are explained.
        seed: of the pictures and of the random weights.
    """

    title: ClassVar[str] = "Input alignment of cascade substitution"
    source: ClassVar[str] = "P2 (alignment), figure 2a"
    takes: ClassVar[tuple[str, ...]] = ("methods",)

    pictures: Annotated[int, Field(ge=2)] = 64
    seed: Annotated[int, Field(ge=0)] = 0

    def draw(self, results: Results, selection: Selection, width: float) -> Drawing:
        """See `PaperFigure`. Needs the first seed's clean model; what is computed stays in the store."""
        from matplotlib.figure import Figure

        from peephole.attributions.methods import build

        methods = list(selection.methods or METHODS)
        for text in methods:
            build(cascade_text(text))
        model = results.plan.first[0].clean
        units = [
            alignment_unit(
                model.spec, weights, methods, pictures=self.pictures, seed=self.seed, over="levels", model=model
            )
            for weights in (TRAINED, "normal")
        ]
        results.compute(units)
        trained, random = (read_alignment(unit, results.workspace) for unit in units)
        key = Key(trained.methods, width)
        height = ABOVE + TALL + BELOW + key.height
        figure = Figure(figsize=(width, height))
        panels: list[Any] = []
        for column, (name, alignment) in enumerate((("trained weights", trained), ("random weights", random))):
            wide = (width - LEFT) / 2
            box = (LEFT + column * wide, key.height + BELOW, wide - GAP, TALL)
            axes = figure.add_axes(
                (box[0] / width, box[1] / height, box[2] / width, box[3] / height),
                sharey=panels[0] if panels else None,
            )
            axes.set_title(name)
            _lines(axes, alignment)
            panels.append(axes)
            if column:
                axes.tick_params(labelleft=False)
            else:
                axes.set_ylabel("cosine with the input")
        key.draw(figure, panels)
        levels, pictures = len(trained.layers), trained.values.shape[2]
        caption = (
            f"{results.stored.subject[0]}: cosine of what arrives at the input and the picture as the network gets it, "
            f"when the rule replaces the gradient at the top N of {levels} layers of {model.spec['model']} "
            f"({', '.join(trained.layers)}); N = 0 is the gradient, N = {levels} the rule alone. Means over {pictures} "
            "clean test pictures, each explained for the network's decision, and 95 % intervals. Left, the run's clean "
            f"model of seed {model.spec['seed']}; right, the same with Gaussian weights."
        )
        return Drawing(figure, caption)


def _lines(axes: Any, alignment: Aligned) -> None:
    levels = np.arange(alignment.values.shape[1], dtype=np.float64)
    for number, (method, values) in enumerate(zip(alignment.methods, alignment.values, strict=True)):
        mean, low, high = np.array([_estimate(row) for row in values]).T
        line(axes, number, method, levels, mean, low, high)
    axes.axhline(0, color=GREY, linewidth=0.5, zorder=0)
    axes.set_xticks(levels)
    axes.set_xlabel("N, layers whose rule is replaced, from the top")


def _estimate(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean and bootstrap interval over the pictures on which anything arrives."""
    row = np.asarray(values)[~np.isnan(values)]
    if len(row) < 2:
        return float(row.mean()) if len(row) else np.nan, np.nan, np.nan
    weights = resample_weights([len(row)], "cascade alignment", 0, scored=np.ones(len(row), dtype=np.bool_))
    low, high = percentile_interval(row[None] @ weights.T)
    return float(row.mean()), float(low[0]), float(high[0])
