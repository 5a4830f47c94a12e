"""Statistics of key information sufficiency under resampling: two peaks, and how well S tells what is right."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from peephole.leaderboard.kis_histograms import LOWEST
from peephole.leaderboard.kis_study import Sample

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

POINTS = 321
"""Places of a density from `LOWEST` to 1, one of them zero."""
ROWS = 500
"""Resamples at a time."""


def of_each_model(weights: Array, sizes: Sequence[int], statistic: Callable[[int, Array], Array]) -> Array:
    """A statistic of each model's pictures, and the mean over the models that were drawn: ``[R]``.

    Args:
        weights: ``[R,P]``, as of `peephole.claims.resampling.Draws`.
        sizes: the number of pictures of each model, P in all.
        statistic: from a model's number and weights ``[r,n]`` of its pictures, rows summing to 1, to ``[r]``.
    """
    found = np.zeros(len(weights))
    ends = np.cumsum(sizes)
    for number, (end, size) in enumerate(zip(ends, sizes, strict=True)):
        own = weights[:, end - size : end]
        share = own.sum(axis=1)
        for start in range(0, len(own), ROWS):
            rows = start + np.flatnonzero(share[start : start + ROWS] > 0)  # those in which the model was drawn
            if len(rows):
                found[rows] += share[rows] * statistic(number, own[rows] / share[rows, None])
    return found


def places() -> Array:
    """Where densities are taken: ``[POINTS]``."""
    return np.linspace(LOWEST, 1, POINTS)


def kernels(values: Array) -> Array:
    """A Gaussian at each of ``values`` ``[n]``, at `places`: ``[n,POINTS]``; zeros if all values are equal.

    Its width is Silverman's rule of thumb. No S is above 1: what would lie there is reflected.
    """
    spread = min(float(values.std()), float(np.subtract(*np.percentile(values, [75, 25]))) / 1.34)
    width = 0.9 * (spread or float(values.std())) * len(values) ** -0.2
    if not width > 0:
        return np.zeros((len(values), POINTS))
    at = places()
    exponents = (np.square((at - each[:, None]) / width) / -2 for each in (values, 2 - values))
    total: Array = sum(np.exp(exponent) for exponent in exponents) / (width * np.sqrt(2 * np.pi))
    return total


def valley(density: Array) -> Array:
    """How deep the valley between the highest peak left of zero and the highest one right of it is.

    Args:
        density: ``[R,POINTS]``, at `places`.

    Returns:
        1 − lowest density between the peaks / density at the lower of them, ``[R]`` in [0,1]; 0 where one side has
        none, or where the density only rises or falls between the sides.
    """
    at = places()
    left = np.where(at < 0, density, -1.0).argmax(axis=1)
    right = np.where(at > 0, density, -1.0).argmax(axis=1)
    rows, column = np.arange(len(density)), np.arange(POINTS)
    between = (column >= left[:, None]) & (column <= right[:, None])
    lowest = np.where(between, density, np.inf).min(axis=1)
    lower = np.minimum(density[rows, left], density[rows, right])
    depth: Array = 1 - np.divide(lowest, lower, out=np.ones_like(lower), where=lower > 0)
    return depth


def smaller_side(values: Array, weights: Array) -> Array:
    """The share of ``values`` ``[n]`` on the side of zero with fewer, ``[R]``."""
    return np.minimum(weights @ (values > 0), weights @ (values < 0))


def accuracy_gap(values: Array, correct: Flags, weights: Array) -> Array:
    """Accuracy right of zero minus that left of it, ``[R]``; NaN where a side is empty."""
    right, left = ((weights @ (side & correct)) / _positive(weights @ side) for side in (values > 0, values < 0))
    return right - left


def weighted_auroc(values: Array, correct: Flags, weights: Array) -> Array:
    """The chance that a right decision has a higher value than a wrong one, ties counting half, ``[R]``.

    NaN where there are none of one kind.
    """
    order = np.argsort(values, kind="stable")
    firsts = np.flatnonzero(np.diff(values[order], prepend=-np.inf) > 0)
    hits, misses = (
        np.add.reduceat(weights[:, order] * kind[order], firsts, axis=1) for kind in (correct, np.logical_not(correct))
    )
    below = np.cumsum(misses, axis=1) - misses / 2
    area: Array = (hits * below).sum(axis=1) / _positive(hits.sum(axis=1) * misses.sum(axis=1))
    return area


def complete(sample: Sample) -> Sample:
    """The pictures that are studied and have S by every variant."""
    there = sample.studied & ~np.isnan(sample.values).any(axis=0)
    success = None if sample.success is None else sample.success[there]
    return Sample(sample.model, sample.pictures, sample.seed, sample.values[:, there], sample.correct[there], success)


def _positive(total: Array) -> Array:
    """The same, NaN for zero."""
    return np.where(total > 0, total, np.nan)
