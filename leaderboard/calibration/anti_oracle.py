"""Calibration row: everything but the truth."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from peephole.leaderboard.base import CALIBRATION, Probes


@CALIBRATION.register
class AntiOracle:
    """One minus the truth of each target. Mass shares and completeness are 0, the rank correlation is -1."""

    title: ClassVar[str] = "Anti-oracle (all but the truth)"

    def maps(self, probes: Probes, seed: int) -> Tensor:
        """float32 ``[N,T,H,W]``, 0 in a mask and 1 elsewhere, or one minus the soft truth; the seed has no effect."""
        return 1 - probes.truth
