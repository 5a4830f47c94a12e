"""A mixture of two Gaussians, fitted to a sample by expectation maximisation; torch-free, and nothing in it random."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FLOOR = 0.01
"""The least standard deviation of a mode, as a share of the sample's: on a few equal numbers the likelihood of a
mixture has no bound."""
CUTS = (0.1, 0.25, 0.5, 0.75, 0.9)
CORES = (0.25, 0.5)
"""The fits begin with the sample cut in two at these quantiles, and where its halves vary least; and with the shortest
intervals that hold these shares of it, against all else: a narrow mode may lie within a wide one."""
FIRST_STEPS, STEPS = 100, 5000
"""Of each beginning, and of the best of them."""
TOLERANCE = 1e-9
"""A fit is done when a step gains less log-likelihood than this, a number."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Mode:
    """One Gaussian of a mixture: its share of the whole, its mean and its standard deviation."""

    weight: float
    mean: float
    sd: float


def two_modes(values: Array) -> tuple[tuple[Mode, Mode], float]:
    """The best mixture of two Gaussians, and what it gains over one.

    Args:
        values: sorted, of mean 0 and variance 1.

    Returns:
        The modes, the one of lower mean first, and ΔBIC = BIC(one) - BIC(two), where BIC = k ln n - 2 ln L with 2 and
        5 parameters.
    """
    n = len(values)
    fit = _maximise(values, _beginnings(values))
    fit, likelihood = _climb(values, fit, FIRST_STEPS)
    best = int(likelihood.argmax())
    fit, likelihood = _climb(values, fit[:, :, best : best + 1], STEPS)
    one = -0.5 * n * (math.log(2 * math.pi) + 1)  # the maximum likelihood has mean 0 and variance 1 here
    gain = 2 * (float(likelihood[0]) - one) - 3 * math.log(n)
    weight, mean, variance = fit[:, :, 0]
    lower, upper = (Mode(float(weight[k]), float(mean[k]), math.sqrt(variance[k])) for k in np.argsort(mean))
    return (lower, upper), gain


def _beginnings(values: Array) -> Array:
    """The share of each number in the first mode, ``[S,n]``."""
    n = len(values)
    sizes = np.arange(1, n)
    below, total = np.cumsum(values)[:-1], values.sum()
    between = below**2 / sizes + (total - below) ** 2 / (n - sizes)
    ends = [(0, cut) for cut in (*(round(share * n) for share in CUTS), int(between.argmax()) + 1)]
    for size in (round(share * n) for share in CORES):
        start = int((values[size - 1 :] - values[: n - size + 1]).argmin())
        ends.append((start, start + size))
    place = np.arange(n)
    return np.stack([(place >= first) & (place < last) for first, last in ends]).astype(np.float64)


def _climb(values: Array, fit: Array, steps: int) -> tuple[Array, Array]:
    """Improve fits ``[3,2,S]`` (weights, means, variances) until none gains any more; with log-likelihoods ``[S]``."""
    first, likelihood = _expect(values, fit)
    for _ in range(steps):
        fit = _maximise(values, first)
        before = likelihood
        first, likelihood = _expect(values, fit)
        if float((likelihood - before).max()) < TOLERANCE * len(values):
            break
    return fit, likelihood


def _maximise(values: Array, first: Array) -> Array:
    """Weights, means and variances of both modes, ``[3,2,S]``, from the numbers' shares in the first one ``[S,n]``."""
    shares = np.stack([first, 1 - first])
    size = np.maximum(shares.sum(2), 1e-12)
    mean = shares @ values / size
    variance = np.maximum(shares @ values**2 / size - mean**2, FLOOR**2)
    return np.stack([size / len(values), mean, variance])


def _expect(values: Array, fit: Array) -> tuple[Array, Array]:
    """The numbers' shares in the first mode ``[S,n]``, and the log-likelihood ``[S]``."""
    weight, mean, variance = fit[..., None]
    density = np.log(weight) - 0.5 * (np.log(2 * np.pi * variance) + (values - mean) ** 2 / variance)
    whole = np.logaddexp(density[0], density[1])
    return np.exp(density[0] - whole), whole.sum(1)
