"""The correlation of a number with a class; torch-free."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from peephole.errors import PeepholeError


@dataclass(frozen=True)
class Correlation:
    """A correlation in [-1,1], its p and its interval. NaN is what is not defined, and then there is a reason."""

    value: float
    p: float
    low: float
    high: float
    reason: str = ""


def point_biserial(scores: NDArray[np.float64], positive: NDArray[np.bool_], level: float = 0.95) -> Correlation:
    """Pearson's correlation of scores with classes, these being 0 and 1.

    Its p is Student's for no correlation, its interval Fisher's (tanh of atanh r +- z / sqrt(n - 3)). Few scores that
    lie far off can rule it, unlike the `auroc`.

    Args:
        scores: ``[n]``, finite.
        positive: ``[n]``.
        level: the coverage asked for, in (0,1).

    Raises:
        PeepholeError: scores that are not finite, or of another length.
    """
    if scores.shape != positive.shape or scores.ndim != 1 or not bool(np.isfinite(scores).all()):
        raise PeepholeError(
            f"scores of shape {list(scores.shape)} for classes of shape {list(positive.shape)}, expected one finite "
            "score for each; leave the others out"
        )
    reason = (
        "all pictures are of one class"
        if positive.all() or not positive.any()
        else "all scores are equal"
        if np.ptp(scores) <= 1e-12 * np.abs(scores).max()
        else "fewer than four pictures"
        if len(scores) < 4
        else ""
    )
    if reason:
        return Correlation(math.nan, math.nan, math.nan, math.nan, reason)
    from scipy.stats import t  # takes half a second to import

    n = len(scores)
    value = float(np.clip(np.corrcoef(scores, positive.astype(np.float64))[0, 1], -1, 1))
    if abs(value) == 1:
        return Correlation(value, 0.0, value, value)
    p = 2 * float(t.sf(abs(value) * math.sqrt((n - 2) / (1 - value**2)), n - 2))
    half = NormalDist().inv_cdf((1 + level) / 2) / math.sqrt(n - 3)
    return Correlation(value, p, math.tanh(math.atanh(value) - half), math.tanh(math.atanh(value) + half))
