"""What a training has to remember to go on where it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn


@dataclass(frozen=True)
class State:
    """Weights, optimisers and schedules. Random numbers are drawn anew for every step, so there is nothing to keep."""

    module: nn.Module
    optimisers: Sequence[torch.optim.Optimizer]
    schedulers: Sequence[torch.optim.lr_scheduler.LRScheduler]

    def saved(self, step: int) -> dict[str, Any]:
        """All of it after ``step`` steps, as tensors and plain values."""
        return {
            "step": step,
            "module": self.module.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "schedulers": [scheduler.state_dict() for scheduler in self.schedulers],
        }

    def restore(self, saved: dict[str, Any] | None) -> int:
        """Go back to what was saved, if anything; the number of steps that are done."""
        if saved is None:
            return 0
        self.module.load_state_dict(saved["module"])
        for optimiser, state in zip(self.optimisers, saved["optimisers"], strict=True):
            optimiser.load_state_dict(state)
        for scheduler, state in zip(self.schedulers, saved["schedulers"], strict=True):
            scheduler.load_state_dict(state)
        return int(saved["step"])
