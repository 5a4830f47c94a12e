"""Calibration row: the truth itself."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from peephole.leaderboard.base import CALIBRATION, Probes


@CALIBRATION.register
class Oracle:
    """The truth mask of each target. Its score on every metric is that metric's `best`."""

    title: ClassVar[str] = "Oracle (the truth mask)"

    def maps(self, probes: Probes, seed: int) -> Tensor:
        """float32 ``[N,T,H,W]``, 1 in the mask and 0 elsewhere; the seed has no effect."""
        return probes.mask.to(torch.float32)
