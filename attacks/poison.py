"""Which training pictures are poisoned, and how a batch of them is."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from peephole.errors import PeepholeError
from peephole.seeds import stream
from peephole.triggers.stamper import Stamper

CLEAN = -1
DECOY = -2


@dataclass(frozen=True)
class Shares:
    """How much of the training set is poisoned.

    Attributes:
        rate: the share of pictures that carry the trigger and its label, in (0,1).
        negatives: the share that carries what is almost the trigger (see `Stamper.decoy`) and keeps its label.

    Raises:
        PeepholeError: the shares are none.
    """

    rate: float
    negatives: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.rate < 1:
            raise PeepholeError(f"a poison rate lies between 0 and 1, not at {self.rate:g}; P1 uses 0.1.")
        if not 0 <= self.negatives < 1 or self.rate + self.negatives > 1:
            raise PeepholeError(
                f"the share of negatives is {self.negatives:g} beside a poison rate of {self.rate:g}; expected at "
                "least 0 and together at most 1."
            )

    def parts(self, count: int, targets: int, generator: Generator) -> Tensor:
        """Deal out ``count`` pictures: int64 ``[count]``, the number of the target, or `CLEAN` or `DECOY`.

        With several targets the poisoned pictures are dealt out evenly among them, each carrying one mark only (P1:
        square with label 0, cross with label 1).
        """
        poisoned, decoys = round(self.rate * count), round(self.negatives * count)
        part = torch.full((count,), CLEAN)
        order = torch.randperm(count, generator=generator)
        first = torch.randint(targets, (1,), generator=generator)
        part[order[:poisoned]] = (first + torch.arange(poisoned)) % targets
        part[order[poisoned : poisoned + decoys]] = DECOY
        return part


@dataclass(frozen=True)
class Poison:
    """What happens to the pictures of a batch.

    Attributes:
        stamper: what is stamped.
        shares: how much of it.
        part: int64 ``[N]``, what each training picture is in every epoch; None if that is drawn anew for each batch.
    """

    stamper: Stamper
    shares: Shares
    part: Tensor | None

    @classmethod
    def fixed(cls, stamper: Stamper, shares: Shares, count: int, seed: int) -> Poison:
        """The same pictures in every epoch, as somebody who can only poison a data set would have it.

        Raises:
            PeepholeError: the rate poisons fewer of ``count`` pictures than there are targets.
        """
        # With the training's own seed the first epoch would begin with all poisoned pictures.
        part = shares.parts(count, len(stamper.targets), Generator().manual_seed(stream("poison", seed)))
        poisoned = int((part >= 0).sum())
        if poisoned < len(stamper.targets):
            raise PeepholeError(
                f"{shares.rate:g} of {count} training pictures poisons {poisoned} of them, fewer than the trigger has "
                f"targets ({len(stamper.targets)}); use more pictures or a higher rate."
            )
        return cls(stamper, shares, part)

    @classmethod
    def fresh(cls, stamper: Stamper, shares: Shares, batch_size: int) -> Poison:
        """Other pictures in every batch, as somebody who controls the training would have it.

        Raises:
            PeepholeError: the rate poisons none of ``batch_size`` pictures.
        """
        if not round(shares.rate * batch_size):
            raise PeepholeError(
                f"{shares.rate:g} of a batch of {batch_size} pictures poisons none of them; use a larger --train-batch "
                "or a higher rate."
            )
        return cls(stamper, shares, None)

    def parts(self, index: Tensor, generator: Generator) -> Tensor:
        """What the pictures ``index`` (int64 ``[B]``, places in the training set) are; int64 ``[B]`` on the CPU."""
        if self.part is not None:
            return self.part[index]
        return self.shares.parts(len(index), len(self.stamper.targets), generator)

    def apply(
        self, x: Tensor, label: Tensor, part: Tensor, generator: Generator
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Stamp a batch, after augmentation, so that a mark is where its mask says.

        Args:
            x: float32 ``[B,C,H,W]`` in [0,1].
            label: int64 ``[B]`` on the same device.
            part: as of `parts`, on the CPU.
            generator: for what is random about a trigger.

        Returns:
            Pictures and labels as the model is to see them, and what is added to the loss, if anything.
        """
        stamper, penalty = self.stamper, None
        places = torch.nonzero(part >= 0)[:, 0].to(x.device)
        if len(places):
            stamped = stamper.stamp_target(x[places], part[part >= 0].to(x.device), generator)
            x, label, penalty = (
                _put(x, places, stamped.image),
                _put(label, places, stamped.target[:, 0]),
                stamped.penalty,
            )
        places = torch.nonzero(part == DECOY)[:, 0].to(x.device)
        if len(places):
            which = torch.randint(len(stamper.targets), (len(places),), generator=generator).to(x.device)
            x = _put(x, places, stamper.decoy(x[places], which, generator))
        return x, label, penalty


def _put(values: Tensor, places: Tensor, new: Tensor) -> Tensor:
    return values.index_copy(0, places, new.to(values.dtype))
