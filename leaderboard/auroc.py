"""How well a number tells two classes apart: the area under the ROC curve with its interval; torch-free."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from peephole.errors import PeepholeError


@dataclass(frozen=True)
class Auroc:
    """An area in [0,1] and its interval. NaN is what is not defined, and then there is a reason."""

    value: float
    low: float
    high: float
    reason: str = ""


def auroc(scores: NDArray[np.float64], positive: NDArray[np.bool_], level: float = 0.95) -> Auroc:
    """The probability that a positive has a higher score than a negative, ties counting half.

    It is exact: each positive's share of the negatives below it, from ranks. The interval is that of DeLong, DeLong and
    Clarke-Pearson (Biometrics 1988), with no assumption on how scores are distributed, taken on the logit scale so that
    it stays within (0,1).

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
    upper, lower = scores[positive], scores[~positive]
    if not len(upper) or not len(lower):
        return Auroc(math.nan, math.nan, math.nan, "all pictures are of one class")
    beaten, unbeaten = _share_below(upper, lower), 1 - _share_below(lower, upper)
    value = float(beaten.mean())
    if len(upper) < 2 or len(lower) < 2:
        return Auroc(value, math.nan, math.nan, "one class has a single picture: no interval of the AUROC")
    error = math.sqrt(beaten.var(ddof=1) / len(upper) + unbeaten.var(ddof=1) / len(lower))
    if not 0 < value < 1 or error == 0:
        return Auroc(value, math.nan, math.nan, "the AUROC does not vary: no interval of it")
    logit = math.log(value / (1 - value))
    half = NormalDist().inv_cdf((1 + level) / 2) * error / (value * (1 - value))
    low, high = (1 / (1 + math.exp(-end)) for end in (logit - half, logit + half))
    return Auroc(value, low, high)


def _share_below(scores: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each score the share of ``others`` that are lower, ties counting half."""
    ordered = np.sort(others)
    first, last = (np.searchsorted(ordered, scores, side=side) for side in ("left", "right"))
    return (first + last) / (2 * len(others))
