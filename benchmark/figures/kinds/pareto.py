"""Score against cost."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from peephole.errors import PeepholeError
from peephole.figures.bands import Values
from peephole.figures.base import FIGURES, Drawing, PaperFigure, Selection
from peephole.figures.chosen import chosen_methods
from peephole.figures.labels import name_points
from peephole.figures.results import Results
from peephole.figures.style import COLOURS, GREY, SMALL

if TYPE_CHECKING:
    import pandas as pd

SHAPE = 0.6
"""Height to width."""
FRONT, OTHER, PALE = COLOURS[2], COLOURS[0], "#c8c8c8"


@FIGURES.register
class Pareto(PaperFigure):
    """A point a method at its best layer; those that no other beats in both score and cost are marked and joined."""

    title: ClassVar[str] = "Score against cost"
    source: ClassVar[str] = "ours; neither paper weighs scores against what they cost"
    takes: ClassVar[tuple[str, ...]] = ("methods",)

    def draw(self, results: Results, selection: Selection, width: float) -> Drawing:
        """See `PaperFigure`. Needs leaderboard.csv alone."""
        from matplotlib.figure import Figure

        board = results.board
        every = board[(board["kind"] == "method") & board["best_layer"]]
        methods, _ = chosen_methods(board, selection.methods, [])
        asked = every[every["method"].isin(methods)] if selection.methods else every
        rows = asked[asked["score"].notna() & asked["passes"].gt(0)].sort_values("score", ascending=False)
        if rows.empty:
            raise PeepholeError("no method here has both a score and a cost in passes; there is no point to draw.")
        height = SHAPE * width
        figure = Figure(figsize=(width, height))
        axes = figure.add_axes((0.45 / width, 0.42 / height, 1 - 0.55 / width, 1 - 0.65 / height))
        _points(axes, rows)
        left = asked[~asked["method"].isin(rows["method"])]["method"].tolist()
        missing = f" Without a score or a cost: {', '.join(left)}." if left else ""
        caption = (
            f"{results.stored.subject[0]}: score of each method at its best layer, with its 95 % interval, against "
            "what one picture costs, all layers together, in forward and backward passes of the network. Score 0 is "
            "chance, 1 the truth itself. Red squares, joined by the line: no other method on the board has a score as "
            f"high at a cost as low.{missing}"
        )
        return Drawing(figure, caption)


def _points(axes: Any, rows: pd.DataFrame) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    x, y = rows["passes"].to_numpy(dtype=np.float64), rows["score"].to_numpy(dtype=np.float64)
    spread = np.stack([y - rows["score_lo"].fillna(rows["score"]), rows["score_hi"].fillna(rows["score"]) - y])
    front = rows["pareto"].to_numpy(dtype=np.bool_)
    axes.set_xscale("log")
    axes.errorbar(x, y, np.maximum(spread, 0), fmt="none", ecolor=PALE, elinewidth=0.8, zorder=1)
    for chosen, colour, marker, name in (
        (front, FRONT, "s", "on the front"),
        (~front, OTHER, "o", "beaten by another"),
    ):
        axes.plot(x[chosen], y[chosen], marker, color=colour, label=name, zorder=3, markersize=4)
    order = np.argsort(x[front])
    axes.step(x[front][order], y[front][order], where="post", color=FRONT, linewidth=0.8, zorder=2)
    axes.axhline(0, color=GREY, linewidth=0.8, linestyle=(0, (2, 2)), zorder=0, label="chance")
    axes.set_xlim(x.min() / 1.8, x.max() * 1.8)
    axes.margins(y=0.08)
    axes.set_xlabel("cost: forward and backward passes a picture ↓")
    axes.set_ylabel("score ↑")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, borderaxespad=0.2)
    first = np.argsort(~front, kind="stable")
    names = rows["method"].tolist()
    points = [(float(x[place]), float(y[place])) for place in first]
    name_points(axes, points, [names[place] for place in first], SMALL, _corners(x[front][order], y[front][order]))


def _corners(x: Values, y: Values) -> list[tuple[float, float]]:
    """The line along the front, from corner to corner."""
    steps = [(float(right), float(below)) for right, below in zip(x[1:], y[:-1], strict=True)]
    points = [(float(across), float(up)) for across, up in zip(x, y, strict=True)]
    return [point for pair in zip_longest(points, steps) for point in pair if point is not None]
