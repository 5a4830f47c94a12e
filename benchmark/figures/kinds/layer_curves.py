"""Metrics against the layer that is explained."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from peephole.errors import PeepholeError
from peephole.figures.bands import Key, chance, line
from peephole.figures.base import FIGURES, Drawing, PaperFigure, Selection
from peephole.figures.chosen import chosen_methods, chosen_metrics
from peephole.figures.results import Results
from peephole.labels import broken
from peephole.leaderboard.estimate import estimate_mean
from peephole.leaderboard.layer_order import network_order
from peephole.leaderboard.parts import metric_parts
from peephole.leaderboard.resamples import Resamples
from peephole.texts.matching import all_of

if TYPE_CHECKING:
    import pandas as pd

PANEL = 2.3
"""Inches a panel is wide, at least."""
TALL, TITLE = 1.45, 0.3
"""Inches of a panel's axes, and above them."""
LETTER = 0.034
"""Inches that a letter of a slanted layer name goes down."""
LEFT, RIGHT = 0.38, 0.08

Means = dict[tuple[str, str], tuple[float, float, float]]
"""Mean, low and high by method and layer."""


@FIGURES.register
class LayerCurves(PaperFigure):
    """A panel a metric: the mean at each layer, in the network's order, with its 95 % interval; a line a method."""

    title: ClassVar[str] = "Metrics against the explained layer"
    source: ClassVar[str] = "P1 (layer choice), figures 4 and 6"
    takes: ClassVar[tuple[str, ...]] = ("methods", "triggers", "metrics")

    def draw(self, results: Results, selection: Selection, width: float) -> Drawing:
        """See `PaperFigure`. Needs the tables alone; for some triggers also the scores picture by picture."""
        from matplotlib.figure import Figure

        board, paths = results.board, _paths(results.scores)
        layered = [method for method, path in paths.items() if len(path) > 1]
        methods, left_out = chosen_methods(board, selection.methods, layered)
        metrics = chosen_metrics(board, selection.metrics)
        layers = network_order(paths[method] for method in layered)
        if not layers or not methods:
            raise PeepholeError("no method on this board has maps at several layers; there is no curve to draw.")
        triggers = all_of(selection.triggers, "trigger of this run", sorted(set(results.scores["trigger"])))
        columns = max(1, min(len(metrics), int(width / PANEL)))
        rows = math.ceil(len(metrics) / columns)
        key = Key([*methods, "chance"], width)
        below = 0.14 + LETTER * max(map(len, layers))
        height = rows * (TITLE + TALL + below) + key.height
        figure = Figure(figsize=(width, height))
        panels = []
        for place, metric in enumerate(metrics):
            row, column = divmod(place, columns)
            wide = width / columns
            bottom = height - (row + 1) * (TITLE + TALL + below) + below
            axes = figure.add_axes(
                ((column * wide + LEFT) / width, bottom / height, (wide - LEFT - RIGHT) / width, TALL / height)
            )
            arrow = "↓" if metric in results.stored.lower else "↑"
            axes.set_title("\n".join(broken(f"{metric.replace('_', ' ')} {arrow}", int((wide - RIGHT) / 0.075))))
            _panel(axes, _means(results, metric, triggers), methods, layers)
            chance(axes, _chance(results.scores, metric, triggers))
            panels.append(axes)
        key.draw(figure, panels)
        of = f" under {', '.join(triggers)}" if triggers else ""
        caption = (
            f"{results.stored.subject[0]}: each metric{of} by the layer whose attribution is scored, in the network's "
            "order from the input. Lines are means over triggers, models and pictures, bands their 95 % intervals; "
            "↑ higher is better, ↓ lower; grey dots: chance. A single point is a method with maps at one "
            f"layer only. {left_out}"
        )
        return Drawing(figure, caption.strip())


def _panel(axes: Any, means: Means, methods: Sequence[str], layers: Sequence[str]) -> None:
    x = np.arange(len(layers), dtype=np.float64)
    for number, method in enumerate(methods):
        own = np.array([means.get((method, layer), (math.nan,) * 3) for layer in layers], dtype=np.float64)
        mean, low, high = (np.ascontiguousarray(own[:, place]) for place in range(3))
        line(axes, number, method, x, mean, low, high)
    axes.set_xticks(x, layers, rotation=35, ha="right", rotation_mode="anchor")
    axes.set_xlim(-0.2, len(layers) - 0.8)


def _paths(scores: pd.DataFrame) -> dict[str, list[str]]:
    """The layers of each method in the network's order, which is that of the rows of scores.csv."""
    own = scores[scores["kind"] == "method"][["method", "layer"]].drop_duplicates()
    return {str(method): rows["layer"].tolist() for method, rows in own.groupby("method", sort=False)}


def _means(results: Results, metric: str, triggers: Sequence[str]) -> Means:
    """Of all methods, from the board; of some triggers, as the board would give them if it had no others."""
    if not triggers:
        board = results.board[results.board["kind"] == "method"]
        names = zip(board["method"], board["layer"], strict=True)
        values = zip(board[metric], board[f"{metric}_lo"], board[f"{metric}_hi"], strict=True)
        return dict(zip(names, values, strict=True))
    lineup = results.stored.lineup
    if lineup is None:
        raise PeepholeError(f"--triggers needs the scores of each picture: {results.stored.missing}.")
    conditions = [condition for condition in lineup.conditions if condition.trigger in triggers]
    parts = metric_parts(conditions, metric)
    if not parts:
        raise PeepholeError(f"{metric} is not scored under {', '.join(triggers)} on a model that meets its gates.")
    estimate = estimate_mean(parts, len(lineup.rows), Resamples(lineup.pictures))
    return {
        (method, layer): (float(estimate.mean[row]), float(estimate.low[row]), float(estimate.high[row]))
        for row, (method, kind, layer) in enumerate(lineup.rows)
        if kind == "method"
    }


def _chance(scores: pd.DataFrame, metric: str, triggers: Sequence[str]) -> float:
    """The mean over triggers of the mean over models, as of the metric itself; it is the same for all rows."""
    own = scores[(scores["metric"] == metric) & scores["certified"]]
    if triggers:
        own = own[own["trigger"].isin(triggers)]
    whole = own.sort_values("n", ascending=False, kind="stable").drop_duplicates(["trigger", "seed"])
    return float(whole.groupby("trigger")["chance"].mean().mean())
