"""Calibration row: everything but the truth."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from peephole.leaderboard.base import CALIBRATION, Probes


@CALIBRATION.register
class AntiOracle:
    """One minus the truth mask of each target. Mass shares and completeness are 0."""

    title: ClassVar[str] = "Anti-oracle (all but the truth mask)"

    def maps(self, probes: Probes, seed: int) -> Tensor:
        """float32 ``[N,T,H,W]``, 0 in the mask and 1 elsewhere; the seed has no effect."""
        return (~probes.mask).to(torch.float32)
