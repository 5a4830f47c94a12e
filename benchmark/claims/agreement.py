"""Whether two orders agree."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ROUNDING = 1e-12
"""Scores that differ by less are equal."""


def kendall(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Kendall's τ-b of two rows of scores of the same things, for many resamples at once.

    Args:
        first: float64 ``[M,R]``, scores of M things in R resamples.
        second: the same of the same things elsewhere.

    Returns:
        float64 ``[R]`` in [-1,1]; 0 where either has all things tied, NaN where a score is.
    """
    one, other = np.triu_indices(len(first), 1)
    signs = [_signs(scores[one] - scores[other]) for scores in (first, second)]
    size = np.sqrt(np.prod([np.abs(sign).sum(axis=0) for sign in signs], axis=0))
    agreed = (signs[0] * signs[1]).sum(axis=0)
    found: NDArray[np.float64] = np.divide(agreed, size, out=np.zeros_like(size), where=size > 0)
    return np.where(np.isnan(signs[0] + signs[1]).any(axis=0), np.nan, found)


def _signs(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.sign(np.where(np.abs(differences) < ROUNDING, 0.0, differences))
    return found
