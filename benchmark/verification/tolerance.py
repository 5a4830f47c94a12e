"""How far a result that is made anew may lie from the stored one, and why."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Tolerance:
    """What counts as the same. Scores are measured in units of the distance between chance and the truth.

    Attributes:
        map: how far a picture's map may lie off, of its largest value.
        maps: the share of the pictures whose maps may lie farther off.
        score: how far a picture's score may lie off.
        pictures: the share of the pictures whose scores may lie farther off; one always may.
        mean: how far the mean over all pictures may lie off, but for those pictures.
    """

    map: float
    maps: float
    score: float
    pictures: float
    mean: float

    def few(self, count: int) -> int:
        """How many of so many pictures' scores may lie farther off."""
        return math.ceil(self.pictures * count)

    def mean_of(self, count: int) -> float:
        """How far the mean over so many pictures may lie off: each that may lie farther off moves it by one unit."""
        return self.mean + self.few(count) / count if count else 0.0


SAME = Tolerance(map=0.02, maps=0.25, score=0.1, pictures=0.02, mean=0.02)
"""The same kind of device, the same torch.

The same processor with as many threads and the same batches gives the very same bits. Elsewhere sums are rounded in
another order: other convolutions and batches on the same processor changed the means of quick's smooth methods by 1e-8
to 1e-5. Rules that cut at zero or divide by what may be nearly nothing (LRP-αβ, DTD, TIF's threshold) changed one map
in four by more than 0.001 and single ones by 0.3, Score-CAM's mean changed by 0.015, and one decision in a curve of
thirteen pictures moved its mean by 0.06.
"""
OTHER = Tolerance(map=0.05, maps=0.5, score=0.2, pictures=0.1, mean=0.05)
"""Another kind of device, or another torch: algorithms differ, and so do the random numbers that some methods draw."""
SCALE = 0.25
"""The least distance between chance and the truth to measure in. Where it is smaller, the truth is hardly better than
chance, and a single decision would weigh as much as all of it."""


def tolerance(stored: Mapping[str, Any], now: Mapping[str, Any]) -> Tolerance:
    """The tolerance between two results.

    Args:
        stored: the facts of the stored one: ``device``, ``torch_version`` and ``dtype``.
        now: those of the other one.
    """
    same = all(stored.get(name) == now.get(name) for name in ("device", "torch_version", "dtype"))
    return SAME if same else OTHER
