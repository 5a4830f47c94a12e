"""Random numbers that are the same on every platform and with every version of numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# float32 throughout; the stubs of numpy call the product of a float32 array and a Python number float64.
Floats = NDArray[np.floating[Any]]


class Draws:
    """The random numbers of one block of pictures.

    numpy promises stable bits (`numpy.random.PCG64`, `SeedSequence`) but not stable distributions, so everything here
    is made from the raw bits with exact arithmetic.

    Args:
        key: what the numbers depend on; other keys, independent numbers.
        count: how many pictures the block has; the first axis of whatever is drawn.
    """

    def __init__(self, key: tuple[int, ...], count: int) -> None:
        self.count = count
        self._bits = np.random.PCG64(np.random.SeedSequence(key))

    def between(self, low: float, high: float, *shape: int) -> Floats:
        """Uniform float32 ``[count, *shape]`` in [low, high), multiples of 2⁻²⁴ before scaling."""
        raw = self._bits.random_raw(int(np.prod((self.count, *shape), dtype=np.int64)))
        unit = (np.asarray(raw) >> np.uint64(40)).astype(np.float32) * np.float32(2.0**-24)
        return (np.float32(low) + np.float32(high - low) * unit).reshape(self.count, *shape)

    def chance(self, probability: float) -> NDArray[np.bool_]:
        """Bool ``[count]``, True with ``probability``."""
        return self.between(0.0, 1.0) < probability

    def order(self, groups: int, size: int) -> NDArray[np.int64]:
        """``groups`` random permutations of ``range(size)`` one after another, int64 ``[groups * size]``."""
        raw = np.asarray(self._bits.random_raw(groups * size)).reshape(groups, size)
        return np.argsort(raw, axis=1, kind="stable").astype(np.int64).reshape(-1)

    def grain(self, *shape: int) -> Floats:
        """Zero-mean noise of unit variance, float32 ``[count, *shape]``: sums of four bytes, which look Gaussian."""
        size = int(np.prod((self.count, *shape), dtype=np.int64))
        raw = np.asarray(self._bits.random_raw((size + 1) // 2)).astype("<u8", copy=False)
        quads = raw.view(np.uint8).reshape(-1, 4)[:size].astype(np.int16)
        total = quads[:, 0] + quads[:, 1] + quads[:, 2] + quads[:, 3] - np.int16(510)
        return (total.astype(np.float32) * np.float32(1 / _GRAIN_SPREAD)).reshape(self.count, *shape)


# Standard deviation of the sum of four uniform bytes.
_GRAIN_SPREAD = (4 * (256**2 - 1) / 12) ** 0.5
