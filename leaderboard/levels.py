"""What is the same for all rows of a board: for each model and metric, chance and the truth; torch-free."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from peephole.leaderboard.cells import PROVENANCE, Cell, Direction, common_level


@dataclass(frozen=True, eq=False, kw_only=True)
class Levels:
    """One metric on one poisoned model, whatever the row.

    Attributes:
        trigger, seed: which model.
        metric, direction, core: which metric, see `Cell`.
        certified: whether the model passed its gates.
        selection: bool ``[N]``, the pictures kept apart for choosing layers.
        chance, best: float64 ``[N]``; NaN on pictures that no row has a score of.
    """

    trigger: str
    seed: int
    metric: str
    direction: Direction
    core: bool
    certified: bool
    selection: NDArray[np.bool_]
    chance: NDArray[np.float64]
    best: NDArray[np.float64]

    @property
    def poisoned(self) -> tuple[str, int]:
        """The poisoned model."""
        return self.trigger, self.seed


def levels_of(cells: Iterable[Cell]) -> list[Levels]:
    """The levels of all models and metrics of one board, those of a model together, in order of appearance.

    Args:
        cells: of one subject, that passed `check_cells`.
    """
    groups: dict[tuple[str, int], dict[str, list[Cell]]] = {}
    for cell in cells:
        groups.setdefault(cell.poisoned, {}).setdefault(cell.metric, []).append(cell)
    return [
        Levels(
            trigger=trigger,
            seed=seed,
            metric=metric,
            direction=own[0].direction,
            core=own[0].core,
            certified=own[0].certified,
            selection=own[0].selection,
            chance=common_level([cell.chance for cell in own]),
            best=common_level([cell.best for cell in own]),
        )
        for (trigger, seed), metrics in groups.items()
        for metric, own in metrics.items()
    ]


def as_cells(levels: Sequence[Levels], like: Cell) -> list[Cell]:
    """Levels as a row that scores chance everywhere: beside it, rows are scaled as they were where it came from.

    Args:
        levels: of one board.
        like: a cell of that board.
    """
    return [
        Cell(
            suite=like.suite,
            dataset=like.dataset,
            model=like.model,
            trigger=level.trigger,
            seed=level.seed,
            method="",
            kind="calibration",
            layer="",
            metric=level.metric,
            scored=~np.isnan(level.chance),
            value=level.chance,
            chance=level.chance,
            best=level.best,
            valid=np.ones(len(level.chance), dtype=np.bool_),
            selection=level.selection,
            ms_per_image=float("nan"),
            passes=float("nan"),
            direction=level.direction,
            core=level.core,
            certified=level.certified,
            provenance={**dict.fromkeys(PROVENANCE, ""), "suite_version": like.provenance["suite_version"]},
        )
        for level in levels
    ]
