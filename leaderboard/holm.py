"""P-values that hold for all comparisons at once; torch-free."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correct p-values for having made all these comparisons, by Holm's step-down (1979).

    The k-th smallest of m is multiplied by m - k + 1, is at least as large as the one before it, and at most 1. Where
    none of the differences exists, the probability that any corrected p-value is at most a is at most a.

    Args:
        p: float64 ``[m]`` in [0,1]; NaN for comparisons that could not be made and do not count.

    Returns:
        float64 ``[m]``, NaN in the same places.
    """
    corrected = np.full(len(p), np.nan)
    made = np.flatnonzero(~np.isnan(p))
    order = made[np.argsort(p[made], kind="stable")]
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)), 1)
    return corrected
