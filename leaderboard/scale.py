"""The scale of a metric under a trigger: how far apart chance and the truth are on its models; torch-free."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from peephole.leaderboard.cells import TOLERANCE, Direction

SURE = 1.96
"""Standard errors that the truth's lead must exceed."""


def scales(
    chance: NDArray[np.float64], best: NDArray[np.float64], sizes: Sequence[int], direction: Direction
) -> NDArray[np.float64]:
    """For each model D, the mean over its pictures of best - chance, by which its scores are divided.

    A ratio of means, since the best level may be measured and be no better than chance on a single picture, while its
    mean is. Where the mean is not either, there is nothing to divide by: a map that is right about the trigger would
    not be told from one that knows nothing.

    Args:
        chance: float64 ``[p]``, over the reported pictures, model after model; NaN where no row has a score.
        best: float64 ``[p]``, the score of the truth itself; NaN in the same places.
        sizes: the number of reported pictures of each model.
        direction: which way the metric is better; D is negative for ``"lower"``.

    Returns:
        float64 ``[models]``, all finite or all NaN. They are NaN where in some model no picture is scored, or the truth
        is not better than chance by more than `SURE` standard errors of D. A standard error of 0 is fine, as is that of
        a single picture, which has none.
    """
    found = np.empty(len(sizes))
    better = 1.0 if direction == "higher" else -1.0
    ends = np.cumsum(sizes)
    for index, (end, size) in enumerate(zip(ends, sizes, strict=True)):
        lead = (best - chance)[end - size : end]
        lead = lead[~np.isnan(lead)]
        found[index] = lead.mean() if len(lead) else np.nan
        error = lead.std(ddof=1) / np.sqrt(len(lead)) if len(lead) > 1 else 0.0
        if not better * found[index] > max(SURE * error, TOLERANCE):
            return np.full(len(sizes), np.nan)
    return found
