"""Recipes: how a network is trained, as data."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """How a network is trained: SGD with Nesterov momentum under a one-cycle schedule that fits the epochs.

    Attributes:
        epochs: passes over the training split; fractions are allowed.
        batch_size: pictures a step.
        learning_rate: the peak of the schedule.
        momentum: of SGD.
        weight_decay: on weights of convolutions and linear layers; biases and norms are free of it.
        label_smoothing: of the cross entropy.
        crop_padding: random shifts by up to so many pixels.
        flip: random mirroring.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012  suites are checked by pydantic; a typo is an error

    epochs: float
    batch_size: int
    learning_rate: float
    momentum: float = 0.9
    weight_decay: float = 5e-4
    label_smoothing: float = 0.0
    crop_padding: int = 0
    flip: bool = False

    def steps(self, count: int) -> int:
        """Optimiser steps on ``count`` training pictures, at least one."""
        return max(1, math.ceil(self.epochs * count / self.batch_size))
