"""What the tables of a folder alone tell a report; torch-free."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from pathlib import Path

import pandas as pd

from peephole.certificates import COLUMNS as CERTIFICATE_COLUMNS
from peephole.certificates import MODELS
from peephole.errors import PeepholeError
from peephole.kis import CORRECTNESS, DISTRIBUTIONS
from peephole.leaderboard.kis_study import CORRECTNESS_COLUMNS, KIS_COLUMNS
from peephole.leaderboard.report.contents import Contents
from peephole.leaderboard.stored_board import StoredBoard, open_board
from peephole.leaderboard.tables import SCORES, read_csv
from peephole.store.folder import open_folder

SCORE_COLUMNS = (
    "trigger",
    "seed",
    "method",
    "kind",
    "layer",
    "metric",
    "value",
    "lo",
    "hi",
    "chance",
    "best",
    "certified",
)


def gather_tables(folder: Path) -> Contents:
    """What the tables say; where one is missing or cannot be read, `Contents.missing` tells.

    Args:
        folder: of a run.

    Raises:
        PeepholeError: it is no folder of results.
    """
    open_folder(folder, create=False)
    missing: list[str] = []
    board = _board(folder, missing)
    read = partial(_table, folder, missing=missing)
    return Contents(
        board,
        scores=read(SCORES, SCORE_COLUMNS),
        models=read(MODELS, CERTIFICATE_COLUMNS),
        distributions=read(DISTRIBUTIONS, KIS_COLUMNS),
        correctness=read(CORRECTNESS, CORRECTNESS_COLUMNS),
        missing=tuple(missing),
    )


def _board(folder: Path, missing: list[str]) -> StoredBoard | None:
    try:
        board = open_board(folder)
    except PeepholeError as error:
        missing.append(_sentence(f"There is no board: {error}"))
        return None
    if board.missing:
        missing.append(_sentence(f"There are no scores picture by picture: {board.missing}"))
    return board


def _table(folder: Path, name: str, columns: Collection[str], missing: list[str]) -> pd.DataFrame:
    """A table; one without rows if it is not there as this version writes it."""
    try:
        frame = read_csv(folder / name)
    except PeepholeError as error:
        missing.append(_sentence(f"There is no {name}: {error}"))
        return pd.DataFrame()
    lost = [column for column in columns if column not in frame]
    if lost:
        missing.append(f"{name} is of another version of peephole: it has no column {lost[0]}; do the run once more.")
        return pd.DataFrame()
    return frame


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
