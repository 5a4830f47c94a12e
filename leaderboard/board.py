"""The leaderboard: one row a method and layer, its headline score, its rank and what that is worth; torch-free."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from peephole.errors import PeepholeError
from peephole.leaderboard.alignment import Lineup, Row, align
from peephole.leaderboard.cells import Cell, check_cells
from peephole.leaderboard.pareto import pareto_front
from peephole.leaderboard.parts import score_text
from peephole.leaderboard.standings import count_columns, standings
from peephole.leaderboard.tables import SEPARATOR

ORIGIN = (
    "submission",
    "method_digest",
    "data_digest",
    "peephole_version",
    "torch_version",
    "device",
    "dtype",
    "dirty",
)
"""What the board tells of the provenance of a row's cells."""


def board(cells: Sequence[Cell], seed: int = 0) -> pd.DataFrame:
    """Compare all rows of one subject (a suite's data set and model).

    Columns: method, kind, layer; best_layer; score, score_lo, score_hi; rank, rank_interval, tie_group; for each metric
    its mean and <metric>_lo, <metric>_hi; n, n_valid, n_invalid; ms_per_image, passes, pareto; score_of, core_metrics,
    lower_is_better; suite, suite_version; submission, method_digest, data_digest, peephole_version,
    torch_version, device, dtype, dirty, models_digest.

    - The score is `HEADLINE`: 0 is what a map that knows nothing is expected to score, 1 the truth's score. Each
      poisoned model's scores are scaled by the `scales` of its pictures. A metric's own column is not corrected; it is
      the mean over its triggers of the mean over seeds.
    - A trigger and core metric under which the truth is not shown to do better than chance cannot be scaled and is not
      in the score; its values stay in the metric's column. score_of says, the same in each row, what the score is made
      of: ``"square: completeness, restore; wanet: morf_minus_lerf"``.
    - core_metrics and lower_is_better name, the same in each row, the metrics that count where they can, and those of
      which less is better, separated by `SEPARATOR`.
    - Only poisoned models that are certified enter. If there is none, scores, ranks and metrics are empty and n is 0.
    - A row that lacks a cell that other rows have, such as a method that failed on one model, has no score and no rank:
      a mean over what it did finish would flatter it. The same holds for each metric's column.
    - A costly method may have scores of some pictures only. Its numbers are then means over those, its resamples draw
      from those, and beside another row it is compared on the pictures that both have. n says how many they are.
    - Rank is over all rows together, methods at every layer and calibration rows; rank_interval as in `rank_intervals`
      and tie_group as in `tie_groups`, from resamples in which all rows see the same pictures; each trigger's models
      and pictures are resampled on their own, while the scale stays what it is. See `resample_weights` for what
      intervals mean with one model and with several. With a single reported picture intervals are empty, the rank
      interval spans the board and all rows tie.
    - best_layer as in `best_layers`, which looks at the selection pictures, of which no other number here knows.
    - The columns from submission on say where a row comes from, each value once, separated by `SEPARATOR`, where the
      row's models differ. models_digest is of all models together, of what they were made from and what came of it:
      rows with the same one explain the same networks.
    - n counts the reported pictures of all models that the row has a score of, n_invalid those on which a map of the
      row had nothing to score under some metric, n_valid the others.
    - ms_per_image and passes are means over what the row's maps cost. pareto marks the `pareto_front` of the methods at
      their best layers: no other has a score as high at a cost as low.

    Args:
        cells: cells of one suite, suite version, data set and model.
        seed: the seed of the resamples.

    Returns:
        One row a (method, layer), best rank first, rows without a rank last, else in the order given.

    Raises:
        PeepholeError: cells of several subjects, or see `check_cells`.
    """
    check_cells(cells)
    subjects = sorted({cell.subject for cell in cells})
    if len(subjects) > 1:
        names = "; ".join("/".join(subject) for subject in subjects)
        raise PeepholeError(f"cells come from {len(subjects)} subjects ({names}); make one board for each")
    lineup = align(cells)
    columns: dict[str, object] = {
        **standings(lineup, _metrics(cells), seed),
        **count_columns(lineup),
        "ms_per_image": _cost(cells, lineup, "ms_per_image"),
        "passes": _cost(cells, lineup, "passes"),
    }
    frame = pd.DataFrame(columns, index=range(len(lineup.rows)))
    frame["pareto"] = _pareto(frame)
    frame["score_of"] = score_text(lineup.conditions)
    frame["core_metrics"] = SEPARATOR.join(sorted({cell.metric for cell in cells if cell.core}))
    frame["lower_is_better"] = SEPARATOR.join(sorted({cell.metric for cell in cells if cell.direction == "lower"}))
    frame["suite"], frame["suite_version"] = lineup.subject[:2]
    for name, values in _provenance(cells, lineup).items():
        frame[name] = pd.Series(values, dtype="str")
    return frame.sort_values("rank", kind="stable", na_position="last", ignore_index=True)


def _metrics(cells: Sequence[Cell]) -> list[str]:
    """Core metrics first, then by name."""
    return [metric for _, metric in sorted({(not cell.core, cell.metric) for cell in cells})]


def _cost(cells: Sequence[Cell], lineup: Lineup, name: str) -> NDArray[np.float64]:
    """Mean cost over the cells of each row, certified or not; NaN where none has a cost."""
    cost: dict[tuple[str, str, str], list[float]] = {row: [] for row in lineup.rows}
    for cell in cells:
        if not np.isnan(getattr(cell, name)):
            cost[cell.row].append(getattr(cell, name))
    return np.array([np.mean(cost[row]) if cost[row] else np.nan for row in lineup.rows], dtype=np.float64)


def _provenance(cells: Sequence[Cell], lineup: Lineup) -> dict[str, list[str]]:
    """Where each row comes from, over the models that count; over all where none does."""
    own: dict[Row, list[Cell]] = {row: [] for row in lineup.rows}
    none_counts = not any(cell.certified for cell in cells)
    for cell in cells:
        if cell.certified or none_counts:
            own[cell.row].append(cell)
    columns = {
        name: [SEPARATOR.join(dict.fromkeys(cell.provenance[name] for cell in own[row])) for row in lineup.rows]
        for name in ORIGIN
    }
    return {**columns, "models_digest": [_models_digest(own[row]) for row in lineup.rows]}


def _models_digest(cells: Sequence[Cell]) -> str:
    """SHA-256 of trigger, seed, model digest and weights digest of each model; the first 16 hexadecimal digits."""
    names = ("model_digest", "weights_digest")
    models = sorted({(cell.trigger, cell.seed, *(cell.provenance[name] for name in names)) for cell in cells})
    return hashlib.sha256(json.dumps(models).encode()).hexdigest()[:16]


def _pareto(frame: pd.DataFrame) -> NDArray[np.bool_]:
    shown = (frame["best_layer"] & (frame["kind"] == "method")).to_numpy(dtype=np.bool_)
    front = np.zeros(len(frame), dtype=np.bool_)
    front[shown] = pareto_front(*(frame[name].to_numpy()[shown] for name in ("score", "passes", "ms_per_image")))
    return front
