"""What a published row says for people, and whether it follows from the row's scores; torch-free."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from peephole.errors import PeepholeError
from peephole.leaderboard.board import ORIGIN, board
from peephole.leaderboard.cells import Cell
from peephole.leaderboard.levels import Levels, as_cells
from peephole.leaderboard.tables import metric_columns

if TYPE_CHECKING:
    from peephole.leaderboard.row_file import PublishedRow

NUMBERS = ("score", "score_lo", "score_hi", "n", "n_valid", "n_invalid", "ms_per_image", "passes")
CLOSE = 1e-9
"""By which a number may differ that was computed elsewhere, relative to itself or to 1."""


def summary_of(frame: pd.DataFrame, cells: Sequence[Cell]) -> dict[str, Any]:
    """What a board says of one method, as JSON values.

    Ranks, ties and the front of score against cost are not there: they are no facts of a row but of a board.

    Args:
        frame: as `board` gives it.
        cells: the method's.

    Returns:
        ``origin``: where the row comes from; ``score_of``: what the score is made of; ``layers``: for each layer its
        name, whether it is the best, its numbers, and each metric's mean with its interval, None where there is none.
        Twelve significant digits, as in leaderboard.csv.
    """
    metrics = metric_columns(frame)
    own = frame[(frame["method"] == cells[0].method) & (frame["kind"] == cells[0].kind)].set_index("layer", drop=False)
    rows = own.loc[list(dict.fromkeys(cell.layer for cell in cells))].to_dict("records")
    return {
        "origin": {name: str(rows[0][name]) for name in ("models_digest", *ORIGIN)},
        "score_of": str(rows[0]["score_of"]),
        "layers": [
            {
                "layer": row["layer"],
                "best_layer": bool(row["best_layer"]),
                **{name: _rounded(row[name]) for name in NUMBERS},
                "metrics": {
                    name: [_rounded(row[column]) for column in (name, f"{name}_lo", f"{name}_hi")] for name in metrics
                },
            }
            for row in rows
        ],
    }


def check_summaries(rows: Sequence[PublishedRow]) -> None:
    """Refuse rows of one subject whose numbers for people do not follow from their scores.

    Raises:
        PeepholeError: see above; or the rows cannot stand on one board, see `peephole.leaderboard.cells.check_cells`.
    """
    groups: dict[str, list[PublishedRow]] = {}
    for row in rows:
        groups.setdefault(_levels_digest(row.levels), []).append(row)
    for group in groups.values():
        cells = [cell for row in group for cell in row.cells]
        frame = board([*cells, *as_cells(group[0].levels, like=cells[0])])
        for row in group:
            found = difference(row.summary, summary_of(frame, row.cells))
            if found:
                raise PeepholeError(f"{row.name}: {found}; have it written anew")


def difference(said: Any, follows: Any, place: str = "") -> str:
    """The first difference between what a summary says and what follows from the scores; nothing if there is none."""
    if isinstance(follows, Mapping) and isinstance(said, Mapping):
        if set(said) != set(follows):
            name = sorted(set(said) ^ set(follows))[0]
            return f"{_joined(place, name)} is {'not expected' if name in said else 'missing'}"
        parts = ((said[name], follows[name], _joined(place, name)) for name in follows)
    elif isinstance(follows, list) and isinstance(said, list):
        if len(said) != len(follows):
            return f"{place} has {len(said)} entries, the scores give {len(follows)}"
        parts = (
            (one, other, _joined(place, _name_of(other, i)))
            for i, (one, other) in enumerate(zip(said, follows, strict=True))
        )
    elif _alike(said, follows):
        return ""
    else:
        return f"{place} is {_text(said)}, the scores give {_text(follows)}"
    return next((found for one, other, where in parts if (found := difference(one, other, where))), "")


def _alike(said: Any, follows: Any) -> bool:
    numbers = [isinstance(each, int | float) and not isinstance(each, bool) for each in (said, follows)]
    if all(numbers):
        return bool(np.isclose(said, follows, rtol=CLOSE, atol=CLOSE))
    return type(said) is type(follows) and bool(said == follows)


def _name_of(entry: Any, index: int) -> str:
    return (
        entry["layer"]
        if isinstance(entry, Mapping) and "layer" in entry
        else ("mean", "low", "high")[index]
        if index < 3
        else str(index)
    )


def _joined(place: str, name: str) -> str:
    return f"{place} {name}".strip()


def _text(value: Any) -> str:
    return "nothing" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def _rounded(value: Any) -> float | int | None:
    if pd.isna(value):
        return None
    return int(value) if isinstance(value, int | np.integer) else float(f"{value:.12g}")


def _levels_digest(levels: Sequence[Levels]) -> str:
    digest = hashlib.sha256()
    for level in sorted(levels, key=lambda level: (level.poisoned, level.metric)):
        facts = [level.trigger, level.seed, level.metric, level.direction, level.core, level.certified]
        digest.update(json.dumps(facts).encode())
        for array in (level.selection, level.chance, level.best):
            digest.update(array.tobytes())
    return digest.hexdigest()
