"""Cells laid side by side: for each trigger and metric a matrix of rows by pictures; torch-free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from peephole.leaderboard.cells import Cell, Kind


@dataclass(frozen=True, eq=False)
class Pictures:
    """The pictures of one trigger, those of its poisoned models one after the other.

    Attributes:
        sizes: the number of reported pictures of each model.
        selection_sizes: the number of selection pictures of each model.
        selection: bool ``[P]``, over all pictures.
    """

    sizes: tuple[int, ...]
    selection_sizes: tuple[int, ...]
    selection: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Condition:
    """All rows under one trigger and metric. Where a row lacks a model's cell or a picture's score, numbers are NaN.

    Attributes:
        trigger, metric, core: which condition, and whether it counts for the headline.
        value: float64 ``[R,P]``.
        corrected: float64 ``[R,P]``, (value - chance) / (best - chance), NaN where the metric is not core.
        valid: bool ``[R,P]``, True where the row has no score.
    """

    trigger: str
    metric: str
    core: bool
    value: NDArray[np.float64]
    corrected: NDArray[np.float64]
    valid: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Lineup:
    """What a board compares.

    Attributes:
        rows: (method, kind, layer), in order of first appearance.
        pictures: by trigger, in alphabetical order.
        conditions: core metrics first, then by metric and trigger.
    """

    rows: tuple[tuple[str, Kind, str], ...]
    pictures: Mapping[str, Pictures]
    conditions: tuple[Condition, ...]


def align(cells: Sequence[Cell]) -> Lineup:
    """Lay cells of one subject side by side. Only certified models that have reported pictures are laid out.

    Args:
        cells: cells that passed `check_cells`.
    """
    rows = tuple(dict.fromkeys(cell.row for cell in cells))
    counted = {cell.poisoned: cell.selection for cell in cells if cell.certified and not bool(cell.selection.all())}
    models = {
        trigger: sorted(seed for name, seed in counted if name == trigger)
        for trigger in sorted({trigger for trigger, _ in counted})
    }
    pictures = {}
    for trigger, seeds in models.items():
        selections = [counted[trigger, seed] for seed in seeds]
        pictures[trigger] = Pictures(
            sizes=tuple(int((~selection).sum()) for selection in selections),
            selection_sizes=tuple(int(selection.sum()) for selection in selections),
            selection=np.concatenate(selections),
        )
    found = {(*cell.row, *cell.poisoned, cell.metric): cell for cell in cells if cell.poisoned in counted}
    facts = {(cell.trigger, cell.metric): cell.core for cell in found.values()}
    conditions = []
    for (trigger, metric), core in sorted(facts.items(), key=lambda item: (not item[1], item[0][1], item[0][0])):
        blocks = []
        for seed in models[trigger]:
            column = [found.get((*row, trigger, seed, metric)) for row in rows]
            blocks.append(_block(column, len(counted[trigger, seed])))
        value, corrected, valid = (np.concatenate(parts, axis=1) for parts in zip(*blocks, strict=True))
        conditions.append(Condition(trigger, metric, core, value, corrected, valid))
    return Lineup(rows, pictures, tuple(conditions))


def _block(
    column: Sequence[Cell | None], size: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """The rows' cells under one metric and model, ``[R,size]`` each."""
    value = np.full((len(column), size), np.nan)
    corrected = np.full((len(column), size), np.nan)
    valid = np.ones((len(column), size), dtype=np.bool_)
    for index, cell in enumerate(column):
        if cell is not None:
            value[index], valid[index] = cell.value, cell.valid
            if cell.core:
                corrected[index] = (cell.value - cell.chance) / (cell.best - cell.chance)
    return value, corrected, valid
