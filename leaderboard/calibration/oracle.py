"""Calibration row: the truth itself."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from peephole.leaderboard.base import CALIBRATION, Probes


@CALIBRATION.register
class Oracle:
    """The truth of each target, its mask if it has one, else the soft truth. It scores each metric's `best`."""

    title: ClassVar[str] = "Oracle (the truth)"

    def maps(self, probes: Probes, seed: int) -> Tensor:
        """float32 ``[N,T,H,W]``, a copy of the truth, in [0,1]; the seed has no effect."""
        return probes.truth.clone()
