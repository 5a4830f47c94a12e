"""The tidy table of all scores, one row a cell: what `scores.csv` holds; torch-free."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from peephole.leaderboard.bootstrap import percentile_interval, resample_weights
from peephole.leaderboard.cells import PROVENANCE, Cell, check_cells

IDENTITY = ("suite", "dataset", "model", "trigger", "seed", "method", "layer", "metric")
SCORE_COLUMNS = (
    *IDENTITY,
    "value",
    "lo",
    "hi",
    "chance",
    "best",
    "direction",
    "core",
    "n",
    "n_valid",
    "n_invalid",
    "ms_per_image",
    "passes",
    "certified",
    "kind",
    *PROVENANCE,
)


def score_table(cells: Sequence[Cell], seed: int = 0) -> pd.DataFrame:
    """One row a cell, with `SCORE_COLUMNS`, in the order given.

    ``value``, ``chance`` and ``best`` (the truth's own score) are means over the n reported pictures; ``lo`` and ``hi``
    the percentile bootstrap interval of the value over pictures. It speaks of this one poisoned model; NaN for fewer
    than two pictures. On n_invalid of the pictures the map had nothing to score, on n_valid it had. ``direction`` says
    whether higher or lower values are better, ``core`` whether the metric counts for the headline where it can.

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
    rows = [_row(cell, low[index], high[index]) for index, cell in enumerate(cells)]
    return pd.DataFrame(rows, columns=list(SCORE_COLUMNS))


def _row(cell: Cell, low: float, high: float) -> dict[str, object]:
    reported = cell.reported
    count = int(np.count_nonzero(reported))
    means = np.stack([cell.value, cell.chance, cell.best])[:, reported].sum(axis=1) / (count or np.nan)
    n_valid = int(np.count_nonzero(cell.valid & reported))
    return {
        **{name: getattr(cell, name) for name in IDENTITY},
        **dict(zip(("value", "chance", "best"), means.tolist(), strict=True)),
        "lo": low,
        "hi": high,
        "direction": cell.direction,
        "core": cell.core,
        "n": count,
        "n_valid": n_valid,
        "n_invalid": count - n_valid,
        "ms_per_image": float(cell.ms_per_image),
        "passes": float(cell.passes),
        "certified": cell.certified,
        "kind": cell.kind,
        **cell.provenance,
    }
