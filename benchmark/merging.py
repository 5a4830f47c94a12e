"""Boards of rows that were published apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from peephole.errors import PeepholeError
from peephole.leaderboard.board_folder import write_board
from peephole.leaderboard.merging import cells_of, read_rows
from peephole.leaderboard.tables import LEADERBOARD
from peephole.request import REQUEST
from peephole.store.folder import open_folder

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class MergeResult:
    """One board of many sources.

    Attributes:
        folder: where it is.
        leaderboard, scores: the tables that were written.
    """

    folder: Path
    leaderboard: pd.DataFrame
    scores: pd.DataFrame


def merge(sources: Iterable[str | Path], *, out: str | Path) -> MergeResult:
    """Make one board of published rows, by the same code as a run's own.

    Args:
        sources: files of rows, and folders with rows in them, such as those of runs.
        out: the folder for the board; made if missing.

    Raises:
        PeepholeError: see `peephole.leaderboard.merging.read_rows`; or ``out`` is the folder of a run, or not ours.
    """
    folder = Path(out)
    sources = tuple(sources)
    rows = read_rows([Path(source) for source in sources])
    if not rows:
        raise PeepholeError("there is nothing to merge; give files of rows, or folders with rows in them.")
    if (folder / REQUEST).exists() or (folder / "store").exists():
        raise PeepholeError(
            f"{folder} is the folder of a run, whose board this would replace; give a new one with --out."
        )
    if (folder / LEADERBOARD).exists() and folder.resolve() not in {Path(source).resolve() for source in sources}:
        raise PeepholeError(
            f"{folder} has a board already, which this would replace; name it among the sources, or give a new one "
            "with --out."
        )
    open_folder(folder, create=True)
    ranking, scores = write_board(cells_of(rows), folder)
    return MergeResult(folder, ranking, scores)
