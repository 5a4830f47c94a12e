"""Which rows differ: p-values of paired differences, each pair of rows on the pictures that both have; torch-free."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement
from math import erfc, sqrt

import numpy as np
from numpy.typing import NDArray

from peephole.leaderboard.estimate import Estimate, estimate_mean
from peephole.leaderboard.ranking import DECIMALS
from peephole.leaderboard.resamples import Resamples, patterns


def paired_p_values(score: NDArray[np.float64], resampled: NDArray[np.float64]) -> NDArray[np.float64]:
    """The p-value of each pair's difference: of |difference| / standard error under the normal distribution.

    The standard error is that of the resampled differences. The resamples' own percentiles cannot serve: 2,000 of them
    end at 1 in 1,000, while a correction for all pairs asks for 1 in 10,000,000 on a board of 1,000 rows.

    Args:
        score: the observed scores, finite float64 ``[R]``.
        resampled: float64 ``[R, resamples]``, paired.

    Returns:
        float64 ``[R,R]``, symmetric, 1 on the diagonal.
    """
    p = np.ones((len(score), len(score)))
    if len(score) < 2:
        return p
    first, second = np.triu_indices(len(score), k=1)
    difference = np.abs(np.round(score[first] - score[second], DECIMALS))
    covariance = np.cov(resampled)
    variance = np.diagonal(covariance)
    spread = np.sqrt(np.clip(variance[first] + variance[second] - 2 * covariance[first, second], 0, None))
    ratio = np.divide(difference, spread, out=np.where(difference > 0, np.inf, 0.0), where=spread > 0)
    p[first, second] = p[second, first] = np.fromiter(map(erfc, ratio / sqrt(2)), dtype=np.float64, count=len(ratio))
    return p


def shared_p_values(
    parts: Sequence[tuple[str, NDArray[np.float64]]], headline: Estimate, resamples: Resamples
) -> NDArray[np.float64]:
    """The p-value of each pair of rows on the pictures that both have scores of.

    A costly method may have scores of some pictures only. Beside a row that has them all it is compared on its own
    pictures: otherwise the difference would be one of pictures as well. Where the rows differ the other way round on
    the shared pictures than on the board, the board's difference is not shown: 1.

    Args:
        parts: trigger and scores ``[R,P]``, as `estimate_mean` takes them; at least one.
        headline: what it made of them.
        resamples: what it took.

    Returns:
        float64 ``[R,R]``, symmetric; 1 on the diagonal, for rows without a mean, and where spread cannot be known.
    """
    p = np.ones((len(headline.mean), len(headline.mean)))
    known = ~np.isnan(headline.low)
    found, which = patterns(np.concatenate([~np.isnan(scores) for _, scores in parts], axis=1))
    ends = np.cumsum([scores.shape[1] for _, scores in parts])[:-1]
    for one, other in combinations_with_replacement(range(len(found)), 2):
        rows = np.flatnonzero(known & ((which == one) | (which == other)))
        shared = np.split(found[one] & found[other], ends)
        masked = [
            (name, np.where(keep, scores[rows], np.nan)) for (name, scores), keep in zip(parts, shared, strict=True)
        ]
        estimate = estimate_mean(masked, len(rows), resamples)
        usable = ~np.isnan(estimate.low)
        rows, mean = rows[usable], estimate.mean[usable]
        block = paired_p_values(mean, estimate.resampled[usable])
        block[_order(mean) != _order(headline.mean[rows])] = 1
        pairs = (which[rows][:, None] == one) & (which[rows] == other)
        place = np.ix_(rows, rows)
        p[place] = np.where(pairs | pairs.T, block, p[place])
    return p


def _order(mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each pair of rows which is ahead: −1, 0 or 1, ``[R,R]``."""
    order: NDArray[np.float64] = np.sign(np.round(mean[:, None] - mean, DECIMALS))
    return order
