"""Has a sample two peaks? Several tests, none of which is enough alone, and every number of them; torch-free.

At 500 draws of a uniform distribution a mixture of two Gaussians fits better than one every time and Ashman's D is
above 2 every time; of an exponential one Sarle's coefficient speaks for two peaks in four cases of five; the dip test
alone errs on rounded numbers and misses a small second peak. So a sample counts as bimodal if all of them say so.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from peephole.errors import PeepholeError
from peephole.leaderboard.mixture import Mode, two_modes

Side = Literal["left", "right", "neither"]

MINIMUM = 20
"""Fewer numbers than this are not tested: two Gaussians have five parameters."""
TABLE_END = 1e-5
"""The dip's critical values are tabulated to this p; what lies beyond is given as this."""
LEVEL, BIC, SEPARATION, MINOR = 0.05, 10.0, 2.0, 0.1
"""Bimodal is what has a dip p below the first, a ΔBIC and a D above the second and third, and at least the fourth of
its weight in the smaller mode."""
EQUAL = 1e-9
"""Numbers that differ by less than this share of the sample's standard deviation are tied."""
_UNDEFINED = (Mode(math.nan, math.nan, math.nan),) * 2


@dataclass(frozen=True)
class Bimodality:
    """What the tests say of a sample of n numbers. NaN is what is not defined, and then there is a reason.

    Attributes:
        n: how many numbers.
        dip, dip_p: Hartigan's dip statistic and its p under the uniform distribution, not below `TABLE_END`.
        delta_bic: BIC of one Gaussian minus that of a mixture of two; positive speaks for two.
        ashman_d: sqrt(2) |m1 - m2| / sqrt(s1^2 + s2^2) of the two modes.
        sarle_b: (g^2 + 1) / (k + 3 (n-1)^2 / ((n-2) (n-3))), g and k the unbiased skewness and excess kurtosis; 5/9 for
            a uniform distribution, 1 for two points.
        modes: the two Gaussians, that of the lower mean first.
        side: on which side of zero more than half of the numbers lie.
        right: how many are above zero.
        reason: why some of it is not defined; empty if all is.
    """

    n: int
    dip: float
    dip_p: float
    delta_bic: float
    ashman_d: float
    sarle_b: float
    modes: tuple[Mode, Mode]
    side: Side
    right: int
    reason: str = ""

    def is_bimodal(self, adjusted_p: float) -> bool:
        """Whether there are two peaks, given the dip's p adjusted for the whole table, see `peephole.leaderboard.holm`.

        A sample that could not be tested is not bimodal, and says so in its `reason`.
        """
        return (
            adjusted_p < LEVEL
            and self.delta_bic > BIC
            and self.ashman_d > SEPARATION
            and min(mode.weight for mode in self.modes) >= MINOR
        )


def bimodality(sample: ArrayLike, seed: int = 0) -> Bimodality:
    """Test a sample for two peaks.

    Ties would make many small peaks: where there are any, the dip is taken of the sample plus uniform noise of the
    width of the smallest gap between different numbers, from ``seed``: it fills the steps of rounded numbers and lets
    no two different numbers change places. The other numbers are of the sample itself.

    Args:
        sample: numbers, one dimension.
        seed: of the noise.

    Raises:
        PeepholeError: the sample has another shape, or holds NaN or infinity.
    """
    values = np.sort(np.asarray(sample, dtype=np.float64))
    if values.ndim != 1 or not bool(np.isfinite(values).all()):
        raise PeepholeError(
            f"a sample of shape {list(values.shape)} with {int((~np.isfinite(values)).sum())} numbers that are not "
            "finite, expected finite numbers in one row; leave the others out and say how many they were"
        )
    n, right, left = len(values), int((values > 0).sum()), int((values < 0).sum())
    side: Side = "right" if 2 * right > n else "left" if 2 * left > n else "neither"
    spread = float(values.std()) if n else 0.0
    # A spread that is nothing but the rounding of equal numbers is none.
    constant = n > 0 and spread <= 1e-12 * float(np.abs(values).max())
    reason = f"{n} numbers, fewer than {MINIMUM}" if n < MINIMUM else "all numbers are equal" if constant else ""
    if reason:
        nan = math.nan
        return Bimodality(n, nan, nan, nan, nan, nan, _UNDEFINED, side, right, reason)
    standard = (values - values.mean()) / spread
    dip, p = _dip(standard, seed)
    modes, gain = two_modes(standard)
    lower, upper = (Mode(one.weight, values.mean() + spread * one.mean, spread * one.sd) for one in modes)
    distance = math.sqrt(2) * (upper.mean - lower.mean) / math.hypot(lower.sd, upper.sd)
    return Bimodality(n, dip, p, gain, distance, sarle_b(standard), (lower, upper), side, right)


def sarle_b(sample: NDArray[np.float64]) -> float:
    """Sarle's bimodality coefficient with its finite-sample correction, of at least 4 numbers that differ."""
    n = len(sample)
    second, third, fourth = (float(((sample - sample.mean()) ** power).mean()) for power in (2, 3, 4))
    skewness = third / math.pow(second, 1.5) * math.sqrt(n * (n - 1)) / (n - 2)
    kurtosis = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * (fourth / second**2 - 3) + 6)
    return (skewness**2 + 1) / (kurtosis + 3 * (n - 1) ** 2 / ((n - 2) * (n - 3)))


def _dip(values: NDArray[np.float64], seed: int) -> tuple[float, float]:
    """Hartigan's dip and its p, of sorted numbers in units of their standard deviation.

    Raises:
        PeepholeError: the package that computes it is missing.
    """
    try:
        from diptest import diptest  # type: ignore[import-untyped]
    except ModuleNotFoundError as error:
        raise PeepholeError("the dip test needs the package diptest; install it with: pip install diptest") from error
    gaps = np.diff(values)
    if bool((gaps <= EQUAL).any()):
        width = float(gaps[gaps > EQUAL].min())
        values = np.sort(values + width * (np.random.default_rng(seed).random(len(values)) - 0.5))
    dip, p = diptest(values)
    return float(dip), max(float(p), TABLE_END)
