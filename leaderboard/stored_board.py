"""The board of an earlier run, from its tables and the scores beside them; torch-free."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from peephole.errors import PeepholeError
from peephole.leaderboard.alignment import Lineup, Row
from peephole.leaderboard.picture_file import PICTURES, read_pictures
from peephole.leaderboard.summary_differences import scores_summary
from peephole.leaderboard.tables import LEADERBOARD, SCORES, metric_columns, named_in, read_csv


@dataclass(frozen=True, eq=False)
class StoredBoard:
    """What is known of a board.

    Attributes:
        path: its table.
        summary: a row a (method, kind, layer) with numbers and intervals: leaderboard.csv, or what `scores_summary`
            makes of scores.csv.
        metrics: the metrics, in the table's order.
        lower: those of which less is better.
        subject: suite, its version, data set and model; empty texts where the table does not say.
        data: digests of the data, as far as they are known.
        lineup: the scores picture by picture, or None.
        missing: why there is no lineup.
    """

    path: Path
    summary: pd.DataFrame
    metrics: tuple[str, ...]
    lower: frozenset[str]
    subject: tuple[str, str, str, str]
    data: frozenset[str]
    lineup: Lineup | None
    missing: str = ""

    @property
    def rows(self) -> list[Row]:
        """Method, kind and layer of all rows."""
        names = (self.summary[name] for name in ("method", "kind", "layer"))
        return list(zip(*names, strict=True))

    @property
    def best_rows(self) -> list[Row]:
        """The methods at their best layers and the calibration rows; all if the table does not say which are best."""
        if "best_layer" not in self.summary:
            return self.rows
        best = self.summary["best_layer"] | (self.summary["kind"] == "calibration")
        return [row for row, shown in zip(self.rows, best, strict=True) if shown]


def open_board(path: Path) -> StoredBoard:
    """Read a board.

    Args:
        path: leaderboard.csv or scores.csv, under whatever name, or a folder with the former. The scores picture by
            picture are taken from `PICTURES` in the same folder, if it was written with that table.

    Raises:
        PeepholeError: there is no such file, or it is neither table.
    """
    table = path / LEADERBOARD if path.is_dir() else path
    frame = read_csv(table)
    try:
        lineup, missing = read_pictures(table.parent / PICTURES, table), ""
    except PeepholeError as error:
        lineup, missing = None, str(error)
    if "score_of" in frame:
        board = _of_leaderboard(table, frame, lineup, missing)
    elif {"certified", "direction", "metric"} <= set(frame.columns):
        board = _of_scores(table, frame, lineup, missing)
    else:
        raise PeepholeError(
            f"{table} has not the columns of {LEADERBOARD} or {SCORES} as this version writes them; run the same suite "
            "once more, or give another file"
        )
    return board


def _of_leaderboard(path: Path, frame: pd.DataFrame, lineup: Lineup | None, missing: str) -> StoredBoard:
    suite, version = (str(frame[name].iloc[0]) if len(frame) else "" for name in ("suite", "suite_version"))
    subject = lineup.subject if lineup else (suite, version, "", "")
    return StoredBoard(
        path=path,
        summary=frame,
        metrics=tuple(metric_columns(frame)),
        lower=frozenset(named_in(frame, "lower_is_better")),
        subject=subject,
        data=_data(lineup),
        lineup=lineup,
        missing=missing,
    )


def _of_scores(path: Path, frame: pd.DataFrame, lineup: Lineup | None, missing: str) -> StoredBoard:
    subjects = frame[["suite", "suite_version", "dataset", "model"]].drop_duplicates()
    if len(subjects) > 1:
        raise PeepholeError(
            f"{path} has scores of {len(subjects)} suites, data sets or models; compare a file of one with another"
        )
    suite, version, dataset, model = subjects.iloc[0] if len(subjects) else ("", "", "", "")
    return StoredBoard(
        path=path,
        summary=scores_summary(frame),
        metrics=tuple(dict.fromkeys(frame.sort_values("core", ascending=False, kind="stable")["metric"])),
        lower=frozenset(frame.loc[frame["direction"] == "lower", "metric"]),
        subject=(suite, version, dataset, model),
        data=frozenset(frame["data_digest"]) - {""},
        lineup=lineup,
        missing=missing,
    )


def _data(lineup: Lineup | None) -> frozenset[str]:
    """The digests of the data that a board's models were trained on."""
    pictures = lineup.pictures.values() if lineup else ()
    return frozenset(model.data_digest for each in pictures for model in each.models) - {""}
