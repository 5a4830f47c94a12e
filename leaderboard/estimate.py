"""Means over triggers, models and pictures, with intervals from paired resamples; torch-free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from peephole.leaderboard.alignment import Lineup
from peephole.leaderboard.bootstrap import RESAMPLES, mean_weights, percentile_interval


@dataclass(frozen=True, eq=False)
class Estimate:
    """One number a row, NaN where a row has none.

    Attributes:
        mean: float64 ``[R]``.
        low, high: float64 ``[R]``, the percentile interval; NaN if a trigger has a single picture.
        resampled: float64 ``[R, resamples]``, the mean in each resample.
    """

    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    resampled: NDArray[np.float64]


def estimate_mean(
    parts: Sequence[tuple[str, NDArray[np.float64]]], lineup: Lineup, weights: Mapping[str, NDArray[np.float64]]
) -> Estimate:
    """The mean over ``parts`` of the mean over models of the mean over reported pictures.

    Args:
        parts: trigger and scores ``[R,P]`` of all its pictures, each. A row with a NaN in any part has no mean.
        lineup: where the rows and pictures come from.
        weights: by trigger, the resample weights of its reported pictures; the same for every row, hence paired.
    """
    rows = len(lineup.rows)
    mean, low, high = (np.full(rows, np.nan) for _ in range(3))
    resampled = np.full((rows, RESAMPLES), np.nan)
    whole = np.full(rows, bool(parts))
    for _, scores in parts:
        whole &= ~np.isnan(scores).any(axis=1)
    if whole.any():
        mean[whole], resampled[whole] = 0, 0
        for trigger, scores in parts:
            pictures = lineup.pictures[trigger]
            reported = scores[whole][:, ~pictures.selection]
            mean[whole] += reported @ mean_weights(pictures.sizes) / len(parts)
            resampled[whole] += reported @ weights[trigger].T / len(parts)
        if all(sum(lineup.pictures[trigger].sizes) > 1 for trigger, _ in parts):
            low[whole], high[whole] = percentile_interval(resampled[whole])
    return Estimate(mean, low, high, resampled)
