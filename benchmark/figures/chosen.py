"""Which rows of a board a figure shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from peephole.errors import PeepholeError
from peephole.leaderboard.tables import metric_columns, named_in
from peephole.texts.matching import all_of

if TYPE_CHECKING:
    import pandas as pd

MOST = 10
"""Methods that are told apart at a glance."""


def ranked(board: pd.DataFrame) -> list[str]:
    """The methods of a board, no calibration rows, the best first; those without a rank last."""
    best = board[(board["kind"] == "method") & board["best_layer"]]
    return best.sort_values("rank", kind="stable", na_position="last")["method"].tolist()


def chosen_methods(board: pd.DataFrame, asked: Sequence[str], eligible: Sequence[str]) -> tuple[list[str], str]:
    """The methods to show, the best first, and the sentence that says how they were chosen.

    Args:
        board: leaderboard.csv.
        asked: by the user; the `MOST` best of ``eligible`` if empty.
        eligible: what is taken if nobody asks.

    Raises:
        UnknownName: a method that the board does not have.
    """
    known = ranked(board)
    if asked:
        wanted = all_of(asked, "method on this board", known)
        return [name for name in known if name in wanted], ""
    names = [name for name in known if name in set(eligible)]
    left = len(names) - MOST
    return names[:MOST], f"The {MOST} methods of best rank; {left} more are left out." if left > 0 else ""


def chosen_metrics(board: pd.DataFrame, asked: Sequence[str]) -> list[str]:
    """The metrics to show: the core ones if none are asked for.

    Raises:
        UnknownName: a metric that the board does not have.
        PeepholeError: the board has no core metric.
    """
    names = all_of(asked, "metric", metric_columns(board)) or named_in(board, "core_metrics")
    if not names:
        raise PeepholeError("the board has no core metrics; name some with --metrics.")
    return names
