"""CSV files of the boards: written whole or not at all, read back with their types; torch-free."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pandas as pd

from peephole.errors import PeepholeError
from peephole.files import write_atomically
from peephole.leaderboard.cells import PROVENANCE

LEADERBOARD = "leaderboard.csv"
SCORES = "scores.csv"
SEPARATOR = "; "
"""Between the metrics of a column that names several, and between the values of one that has several."""

# Every other column is a number that may be missing.
_TYPES: Mapping[str, str] = {
    **dict.fromkeys(("suite", "dataset", "model", "trigger", "method", "kind", "layer", "metric"), "str"),
    **dict.fromkeys(("rank_interval", "target", "failed_gates", "training_dtype", "models_digest", *PROVENANCE), "str"),
    **dict.fromkeys(("direction", "score_of", "core_metrics", "lower_is_better"), "str"),
    **dict.fromkeys(("variant", "pictures", "seeds", "side", "bimodal", "reason"), "str"),
    **dict.fromkeys(("best_layer", "certified", "core", "pareto"), "bool"),
    **dict.fromkeys(("seed", "n", "n_valid", "n_invalid", "undefined", "failed", "n_right", "n_left"), "int64"),
    **dict.fromkeys(("rank", "tie_group"), "Int64"),
}


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write ``frame`` as UTF-8 CSV: 12 significant digits, NaN as an empty field, folders made as needed.

    The file appears under its name only once it is complete and on disk; a reader sees the old file or the new one.

    Raises:
        PeepholeError: the file cannot be written.
    """
    write = partial(frame.to_csv, index=False, float_format="%.12g", lineterminator="\n", encoding="utf-8")
    try:
        write_atomically(path, write)
    except OSError as error:
        raise PeepholeError(f"cannot write {path} ({error.strerror}); choose another place with --out") from error


def read_csv(path: Path) -> pd.DataFrame:
    """Read what `write_csv` wrote, with the types that `board` and `score_table` give.

    Text columns stay text, so that a layer called "nan" remains one and an empty field is the empty string.

    Raises:
        PeepholeError: the file cannot be read, or is no such table.
    """
    try:
        header = pd.read_csv(path, nrows=0, encoding="utf-8").columns
        types = {name: _TYPES.get(name, "float64") for name in header}
        empty = {name: [""] for name, kind in types.items() if kind != "str"}
        return pd.read_csv(path, dtype=types, na_values=empty, keep_default_na=False, encoding="utf-8")
    except OSError as error:
        raise PeepholeError(f"cannot read {path} ({error.strerror}); expected a CSV file of ours") from error
    except ValueError as error:
        # pandas raises subclasses of ValueError for what is no CSV, no UTF-8 or of another type, over several lines.
        reason = str(error).splitlines()[0]
        raise PeepholeError(f"{path} is no table of ours ({reason}); write it anew") from error


def metric_columns(frame: pd.DataFrame) -> list[str]:
    """The columns that are metrics: those with an interval beside them, but for the score."""
    return [name.removesuffix("_lo") for name in frame.columns if name.endswith("_lo") and name != "score_lo"]


def named_in(frame: pd.DataFrame, column: str) -> list[str]:
    """The metrics that a column of leaderboard.csv names, the same in each row.

    Raises:
        PeepholeError: there is no such column.
    """
    if column not in frame:
        raise PeepholeError(
            f"the board has no column {column}, as earlier versions wrote it; run the same suite once more"
        )
    return [name for name in frame[column].iloc[0].split(SEPARATOR) if name] if len(frame) else []
