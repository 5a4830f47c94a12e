"""Rates that remember what they were counted on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Rate:
    """``hits`` of ``total`` pictures; a rate without pictures is NaN."""

    hits: int
    total: int

    @property
    def value(self) -> float:
        """The rate in [0,1]."""
        return self.hits / self.total if self.total else float("nan")

    @classmethod
    def of(cls, hits: Iterable[Tensor]) -> Rate:
        """The rate of True in bool tensors."""
        right = total = 0
        for part in hits:
            right += int(part.sum())
            total += part.numel()
        return cls(right, total)
