"""Percentile bootstrap of means, as one product of a weight matrix with the scores; torch-free.

A resample of pictures is a vector of weights on the pictures, so 2,000 resamples of any number of rows are one matrix
product. Rows that are multiplied by the same weights are *paired*: they see the same resampled pictures.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from peephole.errors import PeepholeError

RESAMPLES = 2000
LEVEL = 0.95


def mean_weights(sizes: Sequence[int]) -> NDArray[np.float64]:
    """The weights ``[sum(sizes)]`` that turn pictures of several models into the mean over models of their means."""
    _check_sizes(sizes)
    return np.repeat([1 / (len(sizes) * size) for size in sizes], sizes)


def resample_weights(
    sizes: Sequence[int], key: str = "", seed: int = 0, resamples: int = RESAMPLES
) -> NDArray[np.float64]:
    """Weights of bootstrap resamples of pictures, clustered by model.

    A resample draws as many models as there are, with replacement; each drawn model then has its own pictures drawn
    with replacement, afresh if it is drawn again. The weights turn the pictures' scores, laid out model after model,
    into the mean over the drawn models of the mean over the drawn pictures. With several models (training seeds) an
    interval therefore speaks of models trained the same way, and is too narrow by about sqrt(S/(S-1)) for S models,
    as every bootstrap of S clusters. With one model it speaks of that model's pictures only: another model trained
    the same way may well score outside it.

    Args:
        sizes: the number of pictures of each model, each at least 1.
        key: what is resampled, for example a trigger's name; other keys give independent resamples.
        seed: same seed and key, same weights.
        resamples: the number of resamples.

    Returns:
        float64 ``[resamples, sum(sizes)]``, each row summing to 1.

    Raises:
        PeepholeError: no model, or a model without pictures.
    """
    _check_sizes(sizes)
    generator = np.random.default_rng([seed, zlib.crc32(key.encode())])
    size = np.asarray(sizes, dtype=np.int64)
    models, total, largest = len(size), int(size.sum()), int(size.max())
    start = np.cumsum(size) - size
    row = np.arange(resamples)[:, None]
    weights = np.zeros(resamples * total)
    for _ in range(models):
        model = generator.integers(models, size=(resamples, 1))
        draw = np.floor(generator.random((resamples, largest)) * size[model]).astype(np.int64)
        cell = row * total + start[model] + draw
        share = np.where(np.arange(largest) < size[model], 1 / (models * size[model]), 0.0)
        weights += np.bincount(cell.ravel(), weights=share.ravel(), minlength=weights.size)
    return weights.reshape(resamples, total)


def percentile_interval(
    resampled: NDArray[np.float64], level: float = LEVEL
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The middle ``level`` of resampled statistics ``[..., resamples]``: lower and upper ends ``[...]``."""
    tail = (1 - level) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail], axis=-1)
    return low, high


def mean_interval(
    values: Sequence[ArrayLike], key: str = "", seed: int = 0, level: float = LEVEL
) -> tuple[float, float, float]:
    """Mean and interval of one row.

    Args:
        values: one vector of scores for each model.
        key: see `resample_weights`.
        seed: see `resample_weights`.
        level: the coverage asked for.

    Returns:
        ``(mean, lower, upper)``. The ends are NaN for a single picture, of which no spread can be known.
    """
    vectors = [np.asarray(vector, dtype=np.float64) for vector in values]
    sizes = [len(vector) for vector in vectors]
    joined = np.concatenate(vectors) if vectors else np.empty(0)
    mean = float(mean_weights(sizes) @ joined)
    if len(joined) < 2:
        return mean, float("nan"), float("nan")
    low, high = percentile_interval(resample_weights(sizes, key, seed) @ joined, level)
    return mean, float(low), float(high)


def _check_sizes(sizes: Sequence[int]) -> None:
    if not sizes or min(sizes) < 1:
        raise PeepholeError(
            f"the models have {list(sizes)} pictures, expected one model or more with a picture each; add pictures"
        )
