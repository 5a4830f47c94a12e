"""Calibration row: the middle of the picture, whatever is there."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from peephole.leaderboard.base import CALIBRATION, Probes


@CALIBRATION.register
class Centre:
    """A Gaussian bump at the picture's centre, as wide (one standard deviation) as a quarter of each side.

    It is the product of a column and a row profile, so that its mass share of a rectangle is the product of the two
    profiles' shares.
    """

    title: ClassVar[str] = "Centre (Gaussian bump)"

    def maps(self, probes: Probes, seed: int) -> Tensor:
        """float32 ``[N,T,H,W]`` in (0,1]; the seed has no effect."""
        truth = probes.truth
        height, width = truth.shape[2:]
        bump = torch.outer(_profile(height), _profile(width)).to(truth.device)
        return bump.expand(truth.shape).clone()


def _profile(side: int) -> Tensor:
    distance = torch.arange(side, dtype=torch.float32) - (side - 1) / 2
    return torch.exp(-0.5 * (distance / (side / 4)) ** 2)
