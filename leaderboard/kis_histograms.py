"""Histograms of key information sufficiency: their bins, and what is said of each; torch-free."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from peephole.leaderboard.kis_study import ALL, Sample

TITLES = (
    "KIS: the map in the place of the picture",
    "Insertion: the picture where the map is above its mean",
    "Insertion (ABS): the picture where |map| is above its mean",
)
"""Of `VARIANTS`, in their order."""
PEAKS = {"yes": "two peaks", "no": "two peaks not shown"}
BINS = 40
LOWEST, HIGHEST, FEW = -3.0, -0.5, 4
"""Axes begin between the first two, where they can with at most this percentage of any kind of pictures beyond them."""


def bin_edges(samples: Sequence[Sample]) -> NDArray[np.float64]:
    """The bins: from where all but a few of each kind of pictures begin, to 1, with an edge at zero."""
    rows = [row[~np.isnan(row)] for sample in samples for row in sample.values]
    begin = min((float(np.percentile(row, FEW)) for row in rows if len(row)), default=0.0)
    above = math.ceil(BINS / (1 - max(LOWEST, min(HIGHEST, begin))))
    return np.arange(above - BINS, above + 1) / above


def bin_shares(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """The share of ``values`` in each bin; those beyond the edges are in the outermost bins."""
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    shares: NDArray[np.float64] = counts / max(1, len(values))
    return shares


def verdict(distributions: pd.DataFrame, model: str, variant: str, pictures: str) -> str:
    """Where S of all seeds lies and whether it has two peaks, in words, from `kis_table`."""
    row = first_row(distributions, seeds=ALL, variant=variant, model=model, pictures=pictures)
    if not row:
        return "not in the table"
    peaks = PEAKS.get(row["bimodal"], row["reason"])
    return str(peaks) if math.isnan(row["share_right"]) else f"{row['share_right']:.0%} right of zero, {peaks}"


def first_row(frame: pd.DataFrame, **values: str) -> dict[Any, Any]:
    """The first row with these values; empty if there is none, or no such column."""
    if not set(values) <= set(frame.columns):
        return {}
    chosen = frame[np.logical_and.reduce([frame[name] == value for name, value in values.items()])]
    return {} if chosen.empty else dict(chosen.iloc[0])
