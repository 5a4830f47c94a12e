"""Calibration row: an edge detector that knows no model."""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as functional
from torch import Tensor

from peephole.leaderboard.base import CALIBRATION, Probes


@CALIBRATION.register
class Edges:
    """Sobel gradient magnitude of the stamped picture in grey (the mean of its channels), the same for every target.

    The border is continued with its own pixels, so that the frame of the picture is no edge. A picture without any
    edge gives a map of zeros, which metrics count as invalid.
    """

    title: ClassVar[str] = "Edges (Sobel)"

    def maps(self, probes: Probes, seed: int) -> Tensor:
        """float32 ``[N,T,H,W]``, non-negative; the seed has no effect."""
        grey = probes.image.to(torch.float32).mean(dim=1, keepdim=True)
        padded = functional.pad(grey, (1, 1, 1, 1), mode="replicate")
        # Smooth along one axis, then take the difference along the other: equal neighbours give exactly 0.
        down = padded[..., :-2] + 2 * padded[..., 1:-1] + padded[..., 2:]
        across = padded[..., :-2, :] + 2 * padded[..., 1:-1, :] + padded[..., 2:, :]
        gradient = torch.hypot(down[..., 2:, :] - down[..., :-2, :], across[..., 2:] - across[..., :-2])
        return gradient.expand(probes.truth.shape).clone()
