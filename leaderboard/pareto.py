"""Which methods are worth their cost: none is both as good and as cheap; torch-free."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from peephole.leaderboard.ranking import DECIMALS


def pareto_front(
    score: NDArray[np.float64], passes: NDArray[np.float64], milliseconds: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Mark ``[R]`` the rows that no other row beats: one with no lower a score at no higher a cost, better in one.

    Two rows are compared by passes where both are known, else by milliseconds: one unit for both. Where one of them has
    neither, neither beats the other.

    Args:
        score: float64 ``[R]``, higher is better; scores that are equal to six decimals are equal.
        passes: float64 ``[R]``, NaN where not known.
        milliseconds: float64 ``[R]``, NaN where not known.

    Returns:
        bool ``[R]``; False for rows without a score or any cost.
    """
    rounded = np.round(score, DECIMALS)
    known = ~np.isnan(passes)
    in_passes = known[:, None] & known
    cost = np.where(in_passes, passes[:, None], milliseconds[:, None])  # [i,j]: of i, in the unit that i and j share
    no_lower, higher = rounded[:, None] >= rounded, rounded[:, None] > rounded
    no_dearer, cheaper = cost <= cost.T, cost < cost.T
    beats = no_lower & no_dearer & (higher | cheaper)
    front: NDArray[np.bool_] = ~np.isnan(score) & ~(np.isnan(passes) & np.isnan(milliseconds)) & ~beats.any(axis=0)
    return front
