"""Where curves over exchanged pixels are kept; torch-free."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

COUNT = 25


def curve_shares() -> NDArray[np.float64]:
    """The shares of exchanged pixels at which a curve is kept: ``(i / 24)^2``, float64 ``[25]``, from 0 to 1.

    Dense where few pixels are exchanged, since a trigger is small and little happens once it is gone.
    """
    step = np.arange(COUNT, dtype=np.float64)
    return step**2 / (COUNT - 1) ** 2
