"""Wilson's score interval for a rate, torch-free."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from peephole.errors import PeepholeError


def wilson_interval(
    successes: ArrayLike, trials: ArrayLike, level: float = 0.95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The interval of rates p that a score test at ``level`` does not reject.

    With k of n successes and z the normal quantile, its ends are the roots p of (k/n - p)^2 = z^2 p (1 - p) / n.
    Unlike the textbook interval k/n +- z sqrt(k/n (1 - k/n) / n) it is of use at rates of 0 and 1, which attack success
    rates often are: 50 of 50 gives [.929, 1].

    Args:
        successes: whole numbers from 0 to ``trials``, any shape.
        trials: whole numbers of at least 1, broadcast against ``successes``.
        level: the coverage asked for, in (0,1). The true coverage varies around it with n and p.

    Returns:
        Lower and upper ends, float64 in [0,1].

    Raises:
        PeepholeError: counts that are no counts, or a level outside (0,1).
    """
    k, n = np.broadcast_arrays(np.asarray(successes, dtype=np.float64), np.asarray(trials, dtype=np.float64))
    whole = (k == np.floor(k)) & (n == np.floor(n))
    if not bool(np.all(whole & (n >= 1) & (k >= 0) & (k <= n))):
        raise PeepholeError("a rate's counts must be whole numbers with 0 <= successes <= trials and trials >= 1")
    if not 0 < level < 1:
        raise PeepholeError(f"level is {level}, expected a number between 0 and 1 such as 0.95")
    z2 = NormalDist().inv_cdf((1 + level) / 2) ** 2
    middle = (k + z2 / 2) / (n + z2)
    half = np.sqrt(z2 * (k * (n - k) / n + z2 / 4)) / (n + z2)
    # At k = 0 and k = n one end is exactly 0 or 1; rounding must not move it.
    low = np.where(k == 0, 0.0, middle - half)
    high = np.where(k == n, 1.0, middle + half)
    return low, high
