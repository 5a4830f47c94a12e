"""Ranks that admit what the pictures cannot tell: rank intervals and tie groups from paired resamples; torch-free.

Scores that differ by less than 1e-6 count as equal: maps are single precision, and two rules that are the same at a
layer differ by 1e-8 or so.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from peephole.leaderboard.bootstrap import LEVEL

DECIMALS = 6


def competition_ranks(score: NDArray[np.float64]) -> NDArray[np.int64]:
    """Ranks along the last axis, 1 the highest score: one more than the number of strictly higher scores.

    Args:
        score: finite float64 ``[..., R]``.
    """
    rounded = np.round(score, DECIMALS)
    order = np.argsort(-rounded, axis=-1)
    ordered = np.take_along_axis(rounded, order, axis=-1)
    place = np.broadcast_to(np.arange(score.shape[-1]), score.shape).copy()
    place[..., 1:][ordered[..., 1:] == ordered[..., :-1]] = 0
    # A row that equals the one before it takes over the place at which the run of equals began.
    place = np.maximum.accumulate(place, axis=-1)
    ranks = np.empty_like(place)
    np.put_along_axis(ranks, order, place + 1, axis=-1)
    return ranks


def rank_intervals(
    score: NDArray[np.float64], resampled: NDArray[np.float64], level: float = LEVEL
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lowest and highest rank of each row in the middle ``level`` of the paired resamples.

    The ends are ranks that occurred (no interpolation), and are widened to take in the observed rank where resampling
    many near-equal rows leaves it outside.

    Args:
        score: the observed scores, float64 ``[R]``.
        resampled: float64 ``[R, resamples]``; all rows of a column come from the same resample.
        level: the share of resamples to cover.

    Returns:
        Best and worst rank, int64 ``[R]`` each.
    """
    ranks = np.sort(competition_ranks(resampled.T), axis=0)
    count, tail = len(ranks), (1 - level) / 2
    first = int(np.floor(tail * (count - 1)))
    observed = competition_ranks(score)
    return np.minimum(ranks[first], observed), np.maximum(ranks[count - 1 - first], observed)


def rank_text(best: int, worst: int) -> str:
    """``"2–4"``, or ``"3"`` where both ends are the same."""
    return str(best) if best == worst else f"{best}–{worst}"


def told_apart(p: NDArray[np.float64], level: float = LEVEL) -> NDArray[np.bool_]:
    """Which pairs of rows have a paired difference whose interval excludes 0.

    The intervals of all pairs hold together at ``level`` by Holm's step-down: the p-values of all P pairs are sorted,
    the k-th must not exceed (1 - level) / (P - k + 1), and once one does all larger ones fail.

    Args:
        p: the p-value of each pair's difference, symmetric float64 ``[R,R]``.
        level: the joint coverage.

    Returns:
        bool ``[R,R]``, symmetric.
    """
    apart = np.zeros(p.shape, dtype=np.bool_)
    first, second = np.triu_indices(len(p), k=1)
    values = p[first, second]
    order = np.argsort(values, kind="stable")
    passed = np.logical_and.accumulate(values[order] <= (1 - level) / np.arange(len(values), 0, -1))
    apart[first[order], second[order]] = passed
    return apart | apart.T


def tie_groups(score: NDArray[np.float64], p: NDArray[np.float64], level: float = LEVEL) -> NDArray[np.int64]:
    """Number the groups of rows that the pictures cannot tell from their group's leader, 1 the best group.

    Walk down the ranking. The first row leads group 1; a row joins the current group unless it is told apart from the
    leader (`told_apart`), in which case it leads the next group. The correction is over all pairs, not only over the
    comparisons that one walk makes, because the ranking that decides which those are comes from the same scores: ten
    equal methods would otherwise be split about one time in five.

    Two rows of one group are not shown to be equal, and rows of neighbouring groups may be as close as two of one.

    Args:
        score: the observed scores, finite float64 ``[R]``, higher is better.
        p: the p-value of each pair's difference, symmetric float64 ``[R,R]``.
        level: the probability that no two rows of equal expected score are told apart.

    Returns:
        int64 ``[R]``, in the order of ``score``.
    """
    order = np.argsort(-np.round(score, DECIMALS), kind="stable")
    apart = told_apart(p, level)[np.ix_(order, order)]
    group = np.empty(len(score), dtype=np.int64)
    leader, number = 0, 1
    while leader < len(order):
        later = np.flatnonzero(apart[leader, leader + 1 :])
        end = leader + 1 + int(later[0]) if len(later) else len(order)
        group[order[leader:end]] = number
        leader, number = end, number + 1
    return group
