"""Cells laid side by side: for each trigger and metric a matrix of rows by pictures; torch-free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from peephole.leaderboard.cells import Cell, Direction, Kind, common_level
from peephole.leaderboard.scale import scales

Row = tuple[str, Kind, str]


@dataclass(frozen=True)
class Model:
    """One poisoned model of a trigger.

    Attributes:
        seed: which.
        model_digest, data_digest: what it was trained from; empty where no row knows.
    """

    seed: int
    model_digest: str
    data_digest: str


@dataclass(frozen=True, eq=False)
class Pictures:
    """The pictures of one trigger, those of its poisoned models one after the other.

    Attributes:
        models: the models, by seed.
        sizes: the number of reported pictures of each model.
        selection_sizes: the number of selection pictures of each model.
        selection: bool ``[P]``, over all pictures.
    """

    models: tuple[Model, ...]
    sizes: tuple[int, ...]
    selection_sizes: tuple[int, ...]
    selection: NDArray[np.bool_]

    @property
    def totals(self) -> NDArray[np.int64]:
        """The number of all pictures of each model, int64 ``[models]``."""
        return np.add(self.sizes, self.selection_sizes, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Condition:
    """All rows under one trigger and metric. Where a row lacks a model's cell or a picture's score, numbers are NaN.

    Attributes:
        trigger, metric: which condition.
        core, direction: the metric's facts.
        pictures: those of the trigger.
        value: float64 ``[R,P]``.
        valid: bool ``[R,P]``, True where the row has no score.
        chance, best: float64 ``[P]``, the same for all rows; NaN where no row has a score.
    """

    trigger: str
    metric: str
    core: bool
    direction: Direction
    pictures: Pictures
    value: NDArray[np.float64]
    valid: NDArray[np.bool_]
    chance: NDArray[np.float64]
    best: NDArray[np.float64]

    @cached_property
    def scale(self) -> NDArray[np.float64]:
        """The `scales` of the models, float64 ``[models]``; NaN if the truth is not shown to beat chance."""
        reported = ~self.pictures.selection
        return scales(self.chance[reported], self.best[reported], self.pictures.sizes, self.direction)

    @property
    def scaled(self) -> bool:
        """Whether scores can be corrected for chance."""
        return bool(np.isfinite(self.scale).all())

    @cached_property
    def corrected(self) -> NDArray[np.float64]:
        """(value - chance) / scale, float64 ``[R,P]``; NaN where the condition has no scale."""
        scale = np.repeat(self.scale, self.pictures.totals)
        corrected: NDArray[np.float64] = (self.value - self.chance) / scale
        return corrected


@dataclass(frozen=True, eq=False)
class Lineup:
    """What a board compares.

    Attributes:
        subject: suite, its version, data set and model; empty texts if there are no cells.
        rows: (method, kind, layer), in order of first appearance.
        pictures: by trigger, in alphabetical order.
        conditions: core metrics first, then by metric and trigger.
    """

    subject: tuple[str, str, str, str]
    rows: tuple[Row, ...]
    pictures: Mapping[str, Pictures]
    conditions: tuple[Condition, ...]


def in_order(conditions: Sequence[Condition]) -> tuple[Condition, ...]:
    """Conditions in the order of a `Lineup`."""
    return tuple(sorted(conditions, key=lambda each: (not each.core, each.metric, each.trigger)))


def align(cells: Sequence[Cell]) -> Lineup:
    """Lay cells of one subject side by side. Only certified models that have reported pictures are laid out.

    Args:
        cells: cells of one subject that passed `check_cells`.
    """
    rows = {row: index for index, row in enumerate(dict.fromkeys(cell.row for cell in cells))}
    counted: dict[tuple[str, int], list[Cell]] = {}
    for cell in cells:
        if cell.certified and not cell.selection.all():
            counted.setdefault(cell.poisoned, []).append(cell)
    pictures: dict[str, Pictures] = {}
    conditions: list[Condition] = []
    for trigger in sorted({trigger for trigger, _ in counted}):
        models = [counted[key] for key in sorted(counted) if key[0] == trigger]
        pictures[trigger] = _pictures(models)
        facts = {cell.metric: (cell.core, cell.direction) for model in models for cell in model}
        for metric, (core, direction) in facts.items():
            blocks = [
                _block([cell for cell in model if cell.metric == metric], rows, len(model[0].selection))
                for model in models
            ]
            arrays = [np.concatenate(parts, axis=-1) for parts in zip(*blocks, strict=True)]
            value, valid, chance, best = arrays
            conditions.append(
                Condition(trigger, metric, core, direction, pictures[trigger], value, valid, chance, best)
            )
    subject = cells[0].subject if cells else ("", "", "", "")
    return Lineup(subject, tuple(rows), pictures, in_order(conditions))


def _pictures(models: Sequence[Sequence[Cell]]) -> Pictures:
    selections = [model[0].selection for model in models]
    return Pictures(
        models=tuple(
            Model(model[0].seed, *(_known(model, name) for name in ("model_digest", "data_digest"))) for model in models
        ),
        sizes=tuple(int((~selection).sum()) for selection in selections),
        selection_sizes=tuple(int(selection.sum()) for selection in selections),
        selection=np.concatenate(selections),
    )


def _known(cells: Sequence[Cell], name: str) -> str:
    return next((cell.provenance[name] for cell in cells if cell.provenance[name]), "")


def _block(
    cells: Sequence[Cell], rows: Mapping[Row, int], size: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]]:
    """The rows' scores under one metric and model, ``[R,size]``, whether they are valid, and the levels ``[size]``."""
    value = np.full((len(rows), size), np.nan)
    valid = np.ones((len(rows), size), dtype=np.bool_)
    levels = [np.full(size, np.nan)]  # of a model that no row has a score of
    chance, best = ([*levels, *(getattr(cell, name) for cell in cells)] for name in ("chance", "best"))
    for cell in cells:
        value[rows[cell.row]], valid[rows[cell.row]] = cell.value, cell.valid
    return value, valid, common_level(chance), common_level(best)
