"""Means over triggers, models and pictures, with intervals from paired resamples; torch-free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from peephole.leaderboard.bootstrap import RESAMPLES, percentile_interval
from peephole.leaderboard.resamples import Resamples, means, patterns


@dataclass(frozen=True, eq=False)
class Estimate:
    """One number a row, NaN where a row has none.

    Attributes:
        mean: float64 ``[R]``.
        low, high: float64 ``[R]``, the percentile interval; NaN if a row has a single picture of a trigger.
        resampled: float64 ``[R, resamples]``, the mean in each resample.
    """

    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    resampled: NDArray[np.float64]


def estimate_mean(parts: Sequence[tuple[str, NDArray[np.float64]]], rows: int, resamples: Resamples) -> Estimate:
    """The mean over ``parts`` of the mean over models of the mean over reported pictures.

    Args:
        parts: trigger and scores ``[R,P]`` of all its pictures, each; NaN where a row has no score. A row without any
            score of some model in some part has no mean.
        rows: R, the number of rows.
        resamples: what is drawn of each trigger's pictures; the same for every row, hence paired.
    """
    low, high = np.full(rows, np.nan), np.full(rows, np.nan)
    reported = [(trigger, resamples.reported(trigger, scores)) for trigger, scores in parts]
    mean = np.full(rows, 0.0 if parts else np.nan)
    for trigger, scores in reported:
        mean += means(scores, resamples.pictures[trigger].sizes) / len(parts)
    whole = ~np.isnan(mean)
    resampled = np.where(whole[:, None], np.zeros(RESAMPLES), np.nan)
    spread = whole.copy()
    for trigger, scores in reported:
        known = ~np.isnan(scores)
        spread &= known.sum(axis=1) > 1
        found, which = patterns(known)
        for index, scored in enumerate(found):
            members = np.flatnonzero(whole & (which == index))
            if len(members):
                own = scores[members][:, scored]
                resampled[members] += own @ resamples.weights(trigger, scored).T / len(parts)
    if spread.any():
        low[spread], high[spread] = percentile_interval(resampled[spread])
    return Estimate(mean, low, high, resampled)
