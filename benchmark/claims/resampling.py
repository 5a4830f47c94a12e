"""Intervals of statistics that are no means; torch-free.

They speak of the networks that were examined: pictures are resampled within each. A bootstrap of two networks would
promise to speak of others, and its interval reaches those two at most, whatever its level. Instead an interval takes in
what each network says by itself, so that nothing holds or fails unless every network says so.
"""

from __future__ import annotations

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
    """Weights on the pictures of some groups: the plain means, then the resamples, then each model by itself.

    A statistic is computed for every row of weights at once; the first entry is its value.

    Attributes:
        weights: float64 ``[rows,P]`` by group, rows summing to 1; the pictures of the models one after the other.
        models: how many models the groups have, the fewest and the most.
        n: how many pictures all groups have.
    """

    weights: Mapping[str, NDArray[np.float64]]
    models: tuple[int, int]
    n: int

    def means(self, group: str, values: ArrayLike) -> NDArray[np.float64]:
        """The means of ``values`` ``[..., P]`` of a group: ``[..., rows]``."""
        found: NDArray[np.float64] = np.asarray(values, dtype=np.float64) @ self.weights[group].T
        return found

    @property
    def networks(self) -> str:
        """How many models, in words."""
        fewest, most = self.models
        return f"{most} model{'s' if most > 1 else ''}" if fewest == most else f"{fewest} to {most} models"

    def estimate(self, statistic: NDArray[np.float64], level: float) -> Estimate:
        """A statistic ``[rows]`` with its interval, or the smallest of several ``[k,rows]``.

        The interval has the middle ``level`` of the resamples in it, and the value of each model by itself. Of several,
        each has an interval, of the level that all of them have together (Bonferroni), and the smallest lies
        between the smallest lower and the smallest upper end: it is above a threshold if all are, and not above it if
        one is not. The smallest of noisy numbers would be too small itself. NaN anywhere gives no interval.
        """
        several = np.atleast_2d(statistic)
        low, high = self._ends(several, level)
        return Estimate(float(several[:, 0].min()), float(low.min()), float(high.min()), self.n, self._of)

    def largest_size(self, statistics: NDArray[np.float64], level: float) -> Estimate:
        """The largest absolute value of several statistics ``[k,rows]``, from intervals as of `estimate`.

        The absolute value of noise is no noise about zero: it is taken of the intervals' ends, not of resamples.
        """
        low, high = self._ends(statistics, level)
        size = np.maximum(np.abs(low), np.abs(high))
        least = np.where((low < 0) & (high > 0), 0.0, np.minimum(np.abs(low), np.abs(high)))
        return Estimate(float(np.abs(statistics[:, 0]).max()), float(least.max()), float(size.max()), self.n, self._of)

    @property
    def _of(self) -> str:
        return f"pictures of {self.networks}"

    def _ends(self, several: NDArray[np.float64], level: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        each = 1 - (1 - level) / len(several)
        low, high = percentile_interval(several[:, 1 : 1 + RESAMPLES], each)
        alone = several[:, 1 + RESAMPLES :]
        low, high = np.minimum(low, alone.min(axis=1)), np.maximum(high, alone.max(axis=1))
        known = not np.isnan(several).any()
        return (low, high) if known else (np.full_like(low, np.nan), np.full_like(high, np.nan))


def draw(groups: Mapping[str, Sequence[int]], key: str, seed: int = 0) -> Draws:
    """Resample the pictures of groups, of each model by itself.

    Args:
        groups: by name (a trigger, say) the number of pictures of each model. Those of one place are of one seed; where
            a group has fewer models, its first ones stand in for those that it lacks.
        key: of the claim; other keys give independent resamples.
        seed: same seed and key, same weights.

    Raises:
        PeepholeError: a group has no model, or a model without pictures.
    """
    most = max(map(len, groups.values()))
    weights = {name: _weights(list(sizes), most, f"{key} {name}", seed) for name, sizes in groups.items()}
    return Draws(weights, (min(map(len, groups.values())), most), sum(map(sum, groups.values())))


def _weights(sizes: list[int], most: int, key: str, seed: int) -> NDArray[np.float64]:
    mean = mean_weights(sizes)
    models = len(sizes)
    own = [resample_weights([size], f"{key} {number}", seed, RESAMPLES) for number, size in enumerate(sizes)]
    of_model = np.repeat(np.arange(models), sizes)
    alone = np.array([np.where(of_model == number % models, mean * models, 0.0) for number in range(most)])
    return np.concatenate([mean[None], np.concatenate(own, axis=1) / models, alone])


def rank_correlation(values: NDArray[np.float64], axis: int = 0) -> NDArray[np.float64]:
    """Spearman's ρ of values with their place along an axis; 0 where they are all equal."""
    from scipy.stats import rankdata

    ranks = np.moveaxis(rankdata(values, axis=axis), axis, -1)
    ranks = ranks - ranks.mean(axis=-1, keepdims=True)
    place = np.arange(ranks.shape[-1]) - (ranks.shape[-1] - 1) / 2
    size = np.sqrt((ranks**2).sum(axis=-1) * (place**2).sum())
    found: NDArray[np.float64] = np.divide(ranks @ place, size, out=np.zeros_like(size), where=size > 0)
    return np.where(np.isnan(values).any(axis=axis), np.nan, found)
