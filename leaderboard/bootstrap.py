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
    sizes: Sequence[int],
    key: str = "",
    seed: int = 0,
    resamples: int = RESAMPLES,
    scored: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """Weights of bootstrap resamples of pictures, clustered by model.

    A resample draws as many models as there are, with replacement; each drawn model then has its own pictures drawn
    with replacement, afresh if it is drawn again. The weights turn the pictures' scores, laid out model after model,
    into the mean over the drawn models of the mean over the drawn pictures. With several models (training seeds) an
    interval therefore speaks of models trained the same way, and is too narrow by about sqrt(S/(S-1)) for S models,
    as every bootstrap of S clusters. With one model it speaks of that model's pictures only: another model trained
    the same way may well score outside it.

    For a row that has scores of some pictures only, the drawn pictures that it has are taken in the order drawn, and
    drawing goes on until there are as many as it has: exactly the bootstrap of its own pictures, and as near to that of
    rows with more pictures as two such can be, so that all rows stay paired.

    Args:
        sizes: the number of pictures of each model, each at least 1.
        key: what is resampled, for example a trigger's name; other keys give independent resamples.
        seed: same seed and key, same weights.
        resamples: the number of resamples.
        scored: bool ``[sum(sizes)]``, the pictures that have a score; all if not given.

    Returns:
        float64 ``[resamples, sum(sizes)]``, each row summing to 1; 0 where ``scored`` is False.

    Raises:
        PeepholeError: no model, or a model without pictures, or without scored ones.
    """
    _check_sizes(sizes)
    size = np.asarray(sizes, dtype=np.int64)
    models, total = len(size), int(size.sum())
    scored = np.ones(total, dtype=np.bool_) if scored is None else scored
    start = np.cumsum(size) - size
    wanted = np.add.reduceat(scored, start, dtype=np.int64)
    _check_sizes(wanted.tolist())
    place, first = np.flatnonzero(scored), np.cumsum(wanted) - wanted
    entropy = [seed, zlib.crc32(key.encode())]
    generator, further = np.random.default_rng(entropy), np.random.default_rng([*entropy, 1])
    weights = np.zeros(resamples * total)

    def add(picture: NDArray[np.int64], taken: NDArray[np.bool_], model: NDArray[np.int64]) -> None:
        share = np.where(taken, 1 / (models * wanted[model]), 0.0)
        cell = np.arange(resamples)[:, None] * total + picture
        weights[:] += np.bincount(cell.ravel(), weights=share.ravel(), minlength=weights.size)

    for _ in range(models):
        model = generator.integers(models, size=(resamples, 1))
        picture = start[model] + _draw(generator, size, model)
        taken = scored[picture] & (np.arange(picture.shape[1]) < size[model])
        taken &= np.cumsum(taken, axis=1) <= wanted[model]
        add(picture, taken, model)
        if not scored.all():
            picture = place[first[model] + _draw(further, wanted, model)]
            lacking = wanted[model] - taken.sum(axis=1, keepdims=True)
            add(picture, np.arange(picture.shape[1]) < lacking, model)
    return weights.reshape(resamples, total)


def _draw(generator: np.random.Generator, size: NDArray[np.int64], model: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each model ``[resamples,1]`` as many numbers below its size as the largest model has: ``[resamples,n]``."""
    uniform = generator.random((len(model), int(size.max())))
    return np.floor(uniform * size[model]).astype(np.int64)


def percentile_interval(
    resampled: NDArray[np.float64], level: float = LEVEL
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The middle ``level`` of resampled statistics ``[..., resamples]``: lower and upper ends ``[...]``.

    The ends are interpolated as `numpy.quantile` does, which on thousands of rows takes five times as long.
    """
    ordered = np.sort(resampled, axis=-1)
    place = (1 - level) / 2 * (ordered.shape[-1] - 1)
    first = int(place)
    second = min(first + 1, ordered.shape[-1] - 1)
    share = place - first
    low = (1 - share) * ordered[..., first] + share * ordered[..., second]
    high = (1 - share) * ordered[..., -1 - first] + share * ordered[..., -1 - second]
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
