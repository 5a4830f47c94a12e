"""Learning rate schedules: the rate at a step, as a share of its peak."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

WARMUP = 0.25
"""Share of the steps over which a one-cycle schedule climbs."""


class Schedule(Protocol):
    """The learning rate at ``step`` (from 0) of ``steps``, as a share of its peak."""

    def __call__(self, step: int, steps: int) -> float:
        """The share."""
        ...


def one_cycle(step: int, steps: int) -> float:
    """Up in a line, down in a line, never 0."""
    top = max(1, round(WARMUP * steps))
    return (step + 1) / top if step < top else max(0.0, (steps - step) / (steps - top + 1))


def cosine(step: int, steps: int) -> float:
    """From the peak down to nearly 0 along half a cosine; the published settings that shrink with the epochs."""
    return (1 + math.cos(math.pi * min(1.0, step / steps))) / 2


def constant(step: int, steps: int) -> float:
    """The peak all the time."""
    return 1.0


SCHEDULES: Mapping[str, Schedule] = MappingProxyType({"one_cycle": one_cycle, "cosine": cosine, "constant": constant})
