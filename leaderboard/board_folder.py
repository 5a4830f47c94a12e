"""What every board writes: the tables, the scores picture by picture, and the rows to publish; torch-free."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from peephole.leaderboard.alignment import align
from peephole.leaderboard.board import board
from peephole.leaderboard.cells import Cell
from peephole.leaderboard.levels import levels_of
from peephole.leaderboard.picture_file import PICTURES, write_pictures
from peephole.leaderboard.row_file import published_rows
from peephole.leaderboard.row_folder import ROWS, write_rows
from peephole.leaderboard.scores import score_table
from peephole.leaderboard.tables import LEADERBOARD, SCORES, write_csv


def write_board(cells: Sequence[Cell], folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write leaderboard.csv, scores.csv, pictures.h5 and rows/.

    Args:
        cells: of one subject.
        folder: where to.

    Returns:
        The board and the scores.

    Raises:
        PeepholeError: the cells cannot stand side by side, or something cannot be written.
    """
    scores, ranking = score_table(cells), board(cells)
    write_csv(scores, folder / SCORES)
    write_csv(ranking, folder / LEADERBOARD)
    write_pictures(align(cells), folder / PICTURES, (folder / LEADERBOARD, folder / SCORES))
    write_rows(published_rows(cells, levels_of(cells), ranking), folder / ROWS)
    return ranking, scores
