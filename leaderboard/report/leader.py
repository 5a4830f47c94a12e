"""Which method is first, and by how sure a margin; torch-free."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from peephole.leaderboard.alignment import Lineup
from peephole.leaderboard.bootstrap import LEVEL
from peephole.leaderboard.holm import holm
from peephole.leaderboard.report.pairs import compare_all


@dataclass(frozen=True)
class Rival:
    """A method at its best layer beside the leader.

    Attributes:
        method, layer, score: whose.
        ahead, low, high: by how much the leader's score is higher, on the pictures that both have, and its 95 %
            interval; NaN where there is none.
        p: of no difference, corrected (Holm) for all pairs of methods, as it was seen first who leads.
        separable: whether the difference is shown.
    """

    method: str
    layer: str
    score: float
    ahead: float
    low: float
    high: float
    p: float
    separable: bool


@dataclass(frozen=True)
class Leader:
    """The method with the highest score, each method being taken at its best layer.

    Attributes:
        method, layer, score, low, high: which, and its 95 % interval.
        rivals: the other methods, best score first.
        models: how many models a trigger there are, the fewest.
        pictures: how many pictures are reported.
    """

    method: str
    layer: str
    score: float
    low: float
    high: float
    rivals: tuple[Rival, ...]
    models: int
    pictures: int


def leader_of(lineup: Lineup, table: pd.DataFrame) -> Leader | None:
    """The leader among the methods of a view, without the calibration rows.

    Args:
        lineup: the scores picture by picture of the view's triggers.
        table: the view's standings, best rank first.

    Returns:
        The leader, or None if no method is ranked.
    """
    rows = table[(table["kind"] == "method") & table["best_layer"] & table["score"].notna()]
    if rows.empty:
        return None
    first, others = rows.iloc[0], rows.iloc[1:]
    names = list(rows[["method", "kind", "layer"]].itertuples(index=False, name=None))
    pairs = compare_all(lineup, names, ())  # those of the first row come first
    # Who is first was seen before: corrected for its own pairs alone, it would win by chance.
    corrected = holm(pairs.p[0]) if pairs else np.empty(0)
    rivals = tuple(
        Rival(
            row["method"],
            row["layer"],
            float(row["score"]),
            float(pairs.difference[0, place]),
            float(pairs.low[0, place]),
            float(pairs.high[0, place]),
            float(corrected[place]),
            bool(corrected[place] <= 1 - LEVEL and pairs.low[0, place] > 0),
        )
        for place, (_, row) in enumerate(others.iterrows())
        if pairs
    )
    return Leader(
        first["method"],
        first["layer"],
        float(first["score"]),
        float(first["score_lo"]),
        float(first["score_hi"]),
        rivals,
        models=min(len(pictures.models) for pictures in lineup.pictures.values()),
        pictures=sum(sum(pictures.sizes) for pictures in lineup.pictures.values()),
    )
