"""Recipes: how a network is trained, as data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal


def steps_of(epochs: float, count: int, batch_size: int) -> int:
    """Optimiser steps of ``epochs`` passes over ``count`` pictures, at least one."""
    return max(1, math.ceil(epochs * count / batch_size))


@dataclass(frozen=True)
class Recipe:
    """How a network is trained: SGD with Nesterov momentum under a schedule that fits the epochs.

    Attributes:
        epochs: passes over the training split; fractions are allowed.
        batch_size: pictures a step.
        learning_rate: the peak of the schedule.
        schedule: see `peephole.attacks.schedules`.
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
    schedule: Literal["one_cycle", "cosine", "constant"] = "one_cycle"
    momentum: float = 0.9
    weight_decay: float = 5e-4
    label_smoothing: float = 0.0
    crop_padding: int = 0
    flip: bool = False

    def steps(self, count: int) -> int:
        """Optimiser steps on ``count`` training pictures, at least one."""
        return steps_of(self.epochs, count, self.batch_size)


@dataclass(frozen=True)
class TriggerRecipe:
    """How the networks of a trigger are trained, of triggers that have some: by Adam with ``betas`` (0.5, 0.9).

    Attributes:
        epochs: passes over the clean training split for what is trained beforehand (InputAware's masks).
        learning_rate: the peak; the schedule is the recipe's.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    epochs: float = 0.0
    learning_rate: float = 0.01
