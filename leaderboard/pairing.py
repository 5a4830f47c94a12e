"""Which rows differ: p-values of paired differences, each pair of rows on the pictures that both have; torch-free."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement
from math import erfc, sqrt

import numpy as np
from numpy.typing import NDArray

from peephole.leaderboard.estimate import Resampled, resample_mean
from peephole.leaderboard.parts import Part
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


def shared_p_values(parts: Sequence[Part], headline: Resampled, resamples: Resamples) -> NDArray[np.float64]:
    """The p-value of each pair of rows on the pictures that both have scores of.

    A costly method may have scores of some pictures only. Beside a row that has them all it is compared on its own
    pictures: otherwise the difference would be one of pictures as well. Where the rows differ the other way round on
    the shared pictures than on the board, the board's difference is not shown: 1.

    Args:
        parts: as `resample_mean` takes them; at least one.
        headline: what it made of them.
        resamples: what it took.

    Returns:
        float64 ``[R,R]``, symmetric; 1 on the diagonal, for rows without a mean, and where spread cannot be known.
    """
    p = np.ones((len(headline.mean), len(headline.mean)))
    found, which = patterns(np.concatenate([~np.isnan(part.scores) for part in parts], axis=1))
    ends = np.cumsum([part.scores.shape[1] for part in parts])[:-1]
    for one, other in combinations_with_replacement(range(len(found)), 2):
        rows = np.flatnonzero(headline.spread & ((which == one) | (which == other)))
        if one == other:
            mean, drawn = headline.mean[rows], headline.resampled[rows]
        else:
            keep = np.split(found[one] & found[other], ends)
            rows, mean, drawn = _on_shared_pictures(parts, rows, keep, resamples)
        block = paired_p_values(mean, drawn)
        block[_order(mean) != _order(headline.mean[rows])] = 1
        pairs = (which[rows][:, None] == one) & (which[rows] == other)
        place = np.ix_(rows, rows)
        p[place] = np.where(pairs | pairs.T, block, p[place])
    return p


def _on_shared_pictures(
    parts: Sequence[Part], rows: NDArray[np.int64], keep: Sequence[NDArray[np.bool_]], resamples: Resamples
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Those of ``rows`` that have a spread on the pictures to ``keep`` of each part, their means and resamples."""
    masked = [
        Part(part.trigger, np.where(shared, part.scores[rows], np.nan), part.weight)
        for part, shared in zip(parts, keep, strict=True)
    ]
    found = resample_mean(masked, len(rows), resamples)
    return rows[found.spread], found.mean[found.spread], found.resampled[found.spread]


def _order(mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each pair of rows which is ahead: −1, 0 or 1, ``[R,R]``."""
    order: NDArray[np.float64] = np.sign(np.round(mean[:, None] - mean, DECIMALS))
    return order
