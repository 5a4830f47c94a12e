"""Calibration row: noise."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from peephole.leaderboard.base import CALIBRATION, Probes


@CALIBRATION.register
class Random:
    """I.i.d. uniform [0,1) pixels, fresh for every picture and target: its expected score is each metric's chance."""

    title: ClassVar[str] = "Random (uniform pixels)"

    def maps(self, probes: Probes, seed: int) -> Tensor:
        """float32 ``[N,T,H,W]`` in [0,1). The same on every device; more pictures leave the first ones' maps alone."""
        pixels = np.random.default_rng(seed).random(probes.truth.shape, dtype=np.float32)
        return torch.from_numpy(pixels).to(probes.truth.device)
