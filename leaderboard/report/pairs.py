"""Every two methods of a board, each at its best layer, compared as `peephole.leaderboard.compare` does; torch-free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from peephole.leaderboard.alignment import Lineup, Row
from peephole.leaderboard.comparison import Verdict, verdict_of
from peephole.leaderboard.differences import Differences, Side, paired_differences
from peephole.leaderboard.holm import holm

AT_ONCE = 1000
"""Pairs that are resampled together: 2,000 resamples of each stay within some tens of megabytes."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """K = R (R - 1) / 2 comparisons of R rows, in the order of `itertools.combinations`, under M measures.

    Attributes:
        rows: which.
        measures: ``"score"`` and the metrics, ``[M]``.
        one, other: float64 ``[M,K]``, the means on the pictures that both have.
        difference, low, high: float64 ``[M,K]``, the first less the second, and its 95 % interval.
        p: float64 ``[M,K]``, corrected (Holm) over the measures of the pair, as for two methods on the command line.
        verdicts: of the first, ``[M][K]``.
    """

    rows: tuple[Row, ...]
    measures: tuple[str, ...]
    one: NDArray[np.float64]
    other: NDArray[np.float64]
    difference: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    p: NDArray[np.float64]
    verdicts: tuple[tuple[Verdict, ...], ...]


def compare_all(lineup: Lineup, rows: Sequence[Row], metrics: Sequence[str]) -> Pairs | None:
    """Compare each of ``rows`` with each other; None if there are fewer than two, or no measure is known of them."""
    places = [lineup.rows.index(row) for row in rows]
    every = list(combinations(places, 2))
    found: list[list[Differences]] = []
    for start in range(0, len(every), AT_ONCE):
        some = every[start : start + AT_ONCE]
        first, second = (Side(lineup, [pair[side] for pair in some]) for side in (0, 1))
        found.append(paired_differences(first, second, metrics))
    if not found or not found[0]:
        return None
    measured = list(zip(*found, strict=True))
    numbers = {
        name: np.stack([np.concatenate([getattr(part, name) for part in parts]) for parts in measured])
        for name in ("one", "other", "difference", "low", "high", "p")
    }
    numbers["p"] = np.stack([holm(p) for p in numbers["p"].T], axis=1)
    verdicts = tuple(
        tuple(
            verdict_of(difference, low, high, p, parts[0].direction)
            for difference, low, high, p in zip(
                *(numbers[name][place] for name in ("difference", "low", "high", "p")), strict=True
            )
        )
        for place, parts in enumerate(measured)
    )
    return Pairs(tuple(rows), tuple(parts[0].measure for parts in measured), verdicts=verdicts, **numbers)
