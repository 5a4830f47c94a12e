"""Which training pictures are poisoned, and how a batch of them is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from peephole.errors import PeepholeError
from peephole.triggers.base import Trigger

CLEAN = -1


@dataclass(frozen=True)
class Poison:
    """A fixed share of the training set carries the trigger and its label.

    Attributes:
        trigger: what is stamped; with several targets the poisoned pictures are dealt out evenly among them, each
            carrying one mark only (P1: square with label 0, cross with label 1).
        part: int64 ``[N]`` for each training picture: the index of the target it is poisoned for, or `CLEAN`.
    """

    trigger: Trigger
    part: Tensor

    @classmethod
    def draw(cls, trigger: Trigger, count: int, rate: float, seed: int) -> Poison:
        """Draw ``rate`` of ``count`` pictures without replacement.

        Raises:
            PeepholeError: the rate is not in (0,1), or poisons fewer pictures than there are targets.
        """
        if not 0 < rate < 1:
            raise PeepholeError(f"a poison rate lies between 0 and 1, not at {rate}; P1 uses 0.1.")
        poisoned = round(rate * count)
        if poisoned < len(trigger.targets):
            raise PeepholeError(
                f"{rate:g} of {count} training pictures poisons {poisoned} of them, fewer than the trigger has "
                f"targets ({len(trigger.targets)}); use more pictures or a higher rate."
            )
        order = torch.randperm(count, generator=Generator().manual_seed(_stream(seed)))
        part = torch.full((count,), CLEAN)
        part[order[:poisoned]] = torch.arange(poisoned) % len(trigger.targets)
        return cls(trigger, part)

    def apply(self, x: Tensor, label: Tensor, index: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        """Stamp the poisoned pictures of a batch, after augmentation, so that a mark is where its mask says.

        Args:
            x: float32 ``[B,C,H,W]`` in [0,1].
            label: int64 ``[B]``.
            index: int64 ``[B]``, the pictures' places in the training set.
            generator: for triggers with something random about them.
        """
        part = self.part.to(index.device)[index]
        for which, target in enumerate(self.trigger.targets):
            hit = part == which
            stamped = self.trigger.stamp_target(x, which, generator)
            x = torch.where(hit[:, None, None, None], stamped, x)
            label = torch.where(hit, target, label)
        return x, label


def _stream(seed: int) -> int:
    """A seed of the draw's own. With the training's seed the first epoch would begin with all poisoned pictures."""
    return int.from_bytes(hashlib.sha256(f"poison {seed}".encode()).digest()[:7], "big")
