"""What the tables of a folder alone tell a report; torch-free."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pandas as pd

from peephole.errors import PeepholeError
from peephole.leaderboard.kis_study import CORRECTNESS_COLUMNS, KIS_COLUMNS
from peephole.leaderboard.report.contents import Contents
from peephole.leaderboard.stored_board import StoredBoard, open_board
from peephole.leaderboard.tables import LEADERBOARD, SCORES, read_csv
from peephole.store.folder import open_folder

MODELS = "models.csv"
DISTRIBUTIONS = "kis.csv"
CORRECTNESS = "kis_correctness.csv"
SCORE_COLUMNS = ("trigger", "seed", "method", "kind", "layer", "metric", "value", "lo", "hi", "chance", "best", "certified")
MODEL_COLUMNS = ("trigger", "seed", "target", "attack_success", "clean_accuracy", "certified", "failed_gates")
"""Some that tables of this version have, and a page is made of."""


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
    tables = {
        name: _table(folder / file, columns, missing)
        for name, file, columns in (
            ("scores", SCORES, SCORE_COLUMNS),
            ("models", MODELS, MODEL_COLUMNS),
            ("distributions", DISTRIBUTIONS, KIS_COLUMNS),
            ("correctness", CORRECTNESS, CORRECTNESS_COLUMNS),
        )
    }
    return Contents(board, **tables, missing=tuple(missing))


def _board(folder: Path, missing: list[str]) -> StoredBoard | None:
    try:
        board = open_board(folder)
    except PeepholeError as error:
        missing.append(_sentence(f"There is no board: {error}"))
        return None
    if board.missing:
        missing.append(_sentence(f"There are no scores picture by picture: {board.missing}"))
    return board


def _table(path: Path, columns: Collection[str], missing: list[str]) -> pd.DataFrame:
    """A table; one without rows if it is not there as this version writes it."""
    try:
        frame = read_csv(path)
    except PeepholeError as error:
        missing.append(_sentence(f"There is no {path.name}: {error}"))
        return pd.DataFrame()
    lost = [name for name in columns if name not in frame]
    if lost:
        missing.append(
            f"{path.name} is of another version of peephole: it has no column {lost[0]}; do the run once more."
        )
        return pd.DataFrame()
    return frame


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
