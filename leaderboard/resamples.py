"""The resamples of one board: each trigger's pictures are drawn once, the same for every row; torch-free."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from peephole.leaderboard.alignment import Pictures
from peephole.leaderboard.bootstrap import resample_weights


class Resamples:
    """Weights on the reported pictures of each trigger, for rows that have scores of all of them and of some.

    Args:
        pictures: by trigger.
        seed: see `resample_weights`.
    """

    def __init__(self, pictures: Mapping[str, Pictures], seed: int = 0) -> None:
        self.pictures = pictures
        self._seed = seed
        self._weights: dict[tuple[str, bytes], NDArray[np.float64]] = {}

    def reported(self, trigger: str, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """The part ``[R,p]`` of scores ``[R,P]`` of all pictures that numbers are reported on."""
        return scores[:, ~self.pictures[trigger].selection]

    def weights(self, trigger: str, scored: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The weights ``[resamples, n]`` of the n reported pictures that are ``scored`` (bool ``[p]``)."""
        key = trigger, scored.tobytes()
        if key not in self._weights:
            sizes = self.pictures[trigger].sizes
            self._weights[key] = resample_weights(sizes, trigger, self._seed, scored=scored)[:, scored]
        return self._weights[key]


def means(scores: NDArray[np.float64], sizes: Sequence[int]) -> NDArray[np.float64]:
    """For each row ``[R]`` the mean over models of the mean over the pictures that it has a score of.

    Args:
        scores: ``[R,p]``, the pictures of the models one after the other, NaN where a row has no score.
        sizes: the number of pictures of each model. A row without a score of some model has no mean: NaN.
    """
    size = np.asarray(sizes, dtype=np.int64)
    start = np.cumsum(size) - size
    scored = ~np.isnan(scores)
    count = np.add.reduceat(scored, start, axis=1, dtype=np.float64)
    total = np.add.reduceat(np.where(scored, scores, 0.0), start, axis=1)
    mean: NDArray[np.float64] = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0).mean(axis=1)
    return mean


def patterns(scored: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """The different rows ``[K,p]`` of ``scored`` ``[R,p]``, and for each row ``[R]`` which of them it is."""
    keys = [row.tobytes() for row in scored]
    first = {key: keys.index(key) for key in sorted(set(keys))}  # in an order that does not depend on that of the rows
    number = {key: index for index, key in enumerate(first)}
    return scored[list(first.values())], np.array([number[key] for key in keys], dtype=np.int64)
