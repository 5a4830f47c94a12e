"""Calibration row: the same relevance everywhere."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from peephole.leaderboard.base import CALIBRATION, Probes


@CALIBRATION.register
class Constant:
    """One everywhere. Mass shares are the mask's share of the picture, which is chance; completeness is 1."""

    title: ClassVar[str] = "Constant"

    def maps(self, probes: Probes, seed: int) -> Tensor:
        """float32 ``[N,T,H,W]`` of ones; the seed has no effect."""
        return torch.ones(probes.truth.shape, device=probes.truth.device)
