"""The tidy table of all scores, one row a cell: what `scores.csv` holds; torch-free."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from peephole.leaderboard.bootstrap import percentile_interval, resample_weights
from peephole.leaderboard.cells import PROVENANCE, Cell, check_cells

IDENTITY = ("suite", "dataset", "model", "trigger", "seed", "method", "layer", "metric")
SCORE_COLUMNS = (
    *IDENTITY,
    "value",
    "lo",
    "hi",
    "chance",
    "n",
    "n_invalid",
    "ms_per_image",
    "certified",
    "kind",
    *PROVENANCE,
)


def score_table(cells: Sequence[Cell], seed: int = 0) -> pd.DataFrame:
    """One row a cell, with `SCORE_COLUMNS`, in the order given.

    ``value`` and ``chance`` are means over the n reported pictures; ``lo`` and ``hi`` the percentile bootstrap interval
    of the value over pictures. It speaks of this one poisoned model; NaN for fewer than two pictures.

    Args:
        cells: cells of any suites, data sets and models.
        seed: the seed of the resamples.

    Raises:
        PeepholeError: see `check_cells`.
    """
    check_cells(cells)
    low, high = np.full(len(cells), np.nan), np.full(len(cells), np.nan)
    groups: dict[tuple[str, bytes], list[int]] = {}
    for index, cell in enumerate(cells):
        groups.setdefault((cell.trigger, cell.scored[~cell.selection].tobytes()), []).append(index)
    for (trigger, pattern), indices in groups.items():
        scored = np.frombuffer(pattern, dtype=np.bool_)
        if scored.sum() >= 2:
            values = np.stack([cells[index].value[cells[index].reported] for index in indices])
            weights = resample_weights([len(scored)], trigger, seed, scored=scored)[:, scored]
            low[indices], high[indices] = percentile_interval(values @ weights.T)
    rows = [
        {
            **{name: getattr(cell, name) for name in IDENTITY},
            "value": _mean(cell.value[cell.reported]),
            "lo": low[index],
            "hi": high[index],
            "chance": _mean(cell.chance[cell.reported]),
            "n": int(cell.reported.sum()),
            "n_invalid": int((~cell.valid[cell.reported]).sum()),
            "ms_per_image": float(cell.ms_per_image),
            "certified": cell.certified,
            "kind": cell.kind,
            **cell.provenance,
        }
        for index, cell in enumerate(cells)
    ]
    return pd.DataFrame(rows, columns=list(SCORE_COLUMNS))


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else float("nan")
