"""Intervals of statistics that are no means: bootstrap over models and pictures; torch-free."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from peephole.leaderboard.bootstrap import mean_weights, percentile_interval, resample_weights
from peephole.leaderboard.claim_result import Estimate

RESAMPLES = 4000
"""So many that 100 lie beyond a 95 % interval on each side, and 5 beyond one of 99.75 %."""


@dataclass(frozen=True, eq=False)
class Draws:
    """Weights on the pictures of some groups: first the plain means, then the resamples.

    A statistic is computed for every row of weights at once; the first entry is its value.

    Attributes:
        weights: float64 ``[1 + resamples, P]`` by group, rows summing to 1; the pictures of the models one after the
            other.
        models: how many models the group with the fewest has.
        n: how many pictures all groups have.
    """

    weights: Mapping[str, NDArray[np.float64]]
    models: int
    n: int

    def means(self, group: str, values: ArrayLike) -> NDArray[np.float64]:
        """The means of ``values`` ``[..., P]`` of a group: ``[..., 1 + resamples]``."""
        found: NDArray[np.float64] = np.asarray(values, dtype=np.float64) @ self.weights[group].T
        return found

    def estimate(self, statistic: NDArray[np.float64], level: float) -> Estimate:
        """A statistic ``[1 + resamples]`` with its percentile interval.

        Deviations are widened by sqrt(S/(S-1)) for S models, since a bootstrap of S clusters is too narrow by that;
        with one model the interval speaks of that model alone. NaN anywhere gives no interval.
        """
        value = float(statistic[0])
        low, high = (float(end) for end in percentile_interval(statistic[1:], level))
        if np.isnan(statistic).any():
            low = high = math.nan
        wider = math.sqrt(self.models / (self.models - 1)) if self.models > 1 else 1.0
        of = f"pictures of {self.models} model{'s' if self.models > 1 else ''}"
        return Estimate(value, value - wider * (value - low), value + wider * (high - value), self.n, of)


def draw(groups: Mapping[str, Sequence[int]], key: str, seed: int = 0) -> Draws:
    """Resample the pictures of groups, each on its own, clustered by model.

    Args:
        groups: by name (a trigger, say) the number of pictures of each model.
        key: of the claim; other keys give independent resamples.
        seed: same seed and key, same weights.

    Raises:
        PeepholeError: a group has no model, or a model without pictures.
    """
    weights = {
        name: np.concatenate([mean_weights(sizes)[None], resample_weights(sizes, f"{key} {name}", seed, RESAMPLES)])
        for name, sizes in groups.items()
    }
    return Draws(weights, min(map(len, groups.values())), sum(map(sum, groups.values())))


def rank_correlation(values: NDArray[np.float64], axis: int = 0) -> NDArray[np.float64]:
    """Spearman's ρ of values with their place along an axis; 0 where they are all equal."""
    from scipy.stats import rankdata

    ranks = np.moveaxis(rankdata(values, axis=axis), axis, -1)
    ranks = ranks - ranks.mean(axis=-1, keepdims=True)
    place = np.arange(ranks.shape[-1]) - (ranks.shape[-1] - 1) / 2
    size = np.sqrt((ranks**2).sum(axis=-1) * (place**2).sum())
    found: NDArray[np.float64] = np.divide(ranks @ place, size, out=np.zeros_like(size), where=size > 0)
    return np.where(np.isnan(values).any(axis=axis), np.nan, found)
