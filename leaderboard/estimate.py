"""Means over triggers, models and pictures, with intervals from paired resamples; torch-free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from peephole.leaderboard.bootstrap import RESAMPLES, percentile_interval
from peephole.leaderboard.parts import Part
from peephole.leaderboard.resamples import Resamples, means, patterns


@dataclass(frozen=True, eq=False)
class Resampled:
    """One number a row, NaN where a row has none.

    Attributes:
        mean: float64 ``[R]``.
        spread: bool ``[R]``, whether an interval can be given: False for rows without a mean or with a single picture
            of a trigger.
        resampled: float64 ``[R, resamples]``, the mean in each resample.
    """

    mean: NDArray[np.float64]
    spread: NDArray[np.bool_]
    resampled: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Estimate(Resampled):
    """The same with intervals.

    Attributes:
        low, high: float64 ``[R]``, the percentile interval; NaN where there is no spread.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]


def estimate_mean(parts: Sequence[Part], rows: int, resamples: Resamples) -> Estimate:
    """`resample_mean` with intervals."""
    found = resample_mean(parts, rows, resamples)
    low, high = np.full(rows, np.nan), np.full(rows, np.nan)
    if found.spread.any():
        low[found.spread], high[found.spread] = percentile_interval(found.resampled[found.spread])
    return Estimate(found.mean, found.spread, found.resampled, low, high)


def resample_mean(parts: Sequence[Part], rows: int, resamples: Resamples) -> Resampled:
    """The weighted mean over ``parts`` of the mean over models of the mean over reported pictures.

    Args:
        parts: conditions and weights. A row without any score of some model in some part has no mean.
        rows: R, the number of rows.
        resamples: what is drawn of each trigger's pictures; the same for every row, hence paired.
    """
    mean = np.full(rows, 0.0 if parts else np.nan)
    spread = np.full(rows, bool(parts))
    triggers: dict[str, list[tuple[float, NDArray[np.float64]]]] = {}
    for part in parts:
        scores = resamples.reported(part.trigger, part.scores)
        mean += part.weight * means(scores, resamples.pictures[part.trigger].sizes)
        spread &= (~np.isnan(scores)).sum(axis=1) > 1
        triggers.setdefault(part.trigger, []).append((part.weight, scores))
    whole = np.flatnonzero(~np.isnan(mean))
    resampled = np.full((rows, RESAMPLES), np.nan)
    resampled[whole] = 0.0
    for trigger, weighted in triggers.items():
        found, which = patterns(np.concatenate([~np.isnan(scores[whole]) for _, scores in weighted], axis=1))
        for index, pattern in enumerate(found):
            members = whole[which == index]
            for scored, total in _totals(weighted, members, pattern):
                resampled[members] += total @ resamples.weights(trigger, scored).T
    return Resampled(mean, spread & ~np.isnan(mean), resampled)


def _totals(
    weighted: Sequence[tuple[float, NDArray[np.float64]]], members: NDArray[np.int64], pattern: NDArray[np.bool_]
) -> list[tuple[NDArray[np.bool_], NDArray[np.float64]]]:
    """Conditions that are scored on the same pictures are resampled as one: their sum ``[members,n]``."""
    totals: dict[bytes, tuple[NDArray[np.bool_], NDArray[np.float64]]] = {}
    for (weight, scores), scored in zip(weighted, np.split(pattern, len(weighted)), strict=True):
        own = weight * scores[np.ix_(members, scored)]
        key = scored.tobytes()
        totals[key] = (scored, totals[key][1] + own if key in totals else own)
    return list(totals.values())
