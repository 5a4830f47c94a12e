"""Which method is first, and by how sure a margin; torch-free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from peephole.leaderboard.alignment import Lineup
from peephole.leaderboard.bootstrap import LEVEL
from peephole.leaderboard.differences import Differences, Side, paired_differences
from peephole.leaderboard.holm import holm
from peephole.leaderboard.report.pairs import AT_ONCE


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
    places = [lineup.rows.index(row) for row in rows[["method", "kind", "layer"]].itertuples(index=False, name=None)]
    first, others = rows.iloc[0], rows.iloc[1:]
    lead = _lead(lineup, places)
    rivals = tuple(
        Rival(
            row["method"],
            row["layer"],
            float(row["score"]),
            float(lead.ahead[place]),
            float(lead.low[place]),
            float(lead.high[place]),
            float(lead.p[place]),
            bool(lead.p[place] <= 1 - LEVEL and lead.low[place] > 0),
        )
        for place, (_, row) in enumerate(others.iterrows())
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


@dataclass(frozen=True, eq=False)
class _Lead:
    """By how much the first row is ahead of each other ``[K]``; see `Rival`."""

    ahead: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    p: NDArray[np.float64]


def _lead(lineup: Lineup, places: Sequence[int]) -> _Lead:
    """The first row against each other, with p corrected for *all* pairs of rows.

    The first one is first since it was seen to be: corrected for its own pairs alone, it would win by chance.
    """
    pairs = list(combinations(places, 2))  # those of the first row come first
    found: list[Differences] = []
    for start in range(0, len(pairs), AT_ONCE):
        some = pairs[start : start + AT_ONCE]
        first, second = (Side(lineup, [pair[side] for pair in some]) for side in (0, 1))
        found += paired_differences(first, second, ())
    others = len(places) - 1
    ahead, low, high = (
        np.concatenate([np.empty(0), *(getattr(part, name) for part in found)])[:others]
        for name in ("difference", "low", "high")
    )
    return _Lead(ahead, low, high, holm(np.concatenate([np.empty(0), *(part.p for part in found)]))[:others])
