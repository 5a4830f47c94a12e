"""What an attack is: it takes a trained model and hands back one with a backdoor, and the evidence for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from peephole.registry import Registry

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from peephole.attacks.certificate import Certificate
    from peephole.attacks.recipe import Recipe
    from peephole.triggers.base import Trigger

Report = Callable[[float], None]
"""Called during long work with the share that is done, in [0,1]."""


@dataclass(frozen=True)
class LabelledPictures:
    """A split on one device: ``images`` uint8 ``[N,C,H,W]``, ``labels`` int64 ``[N]``."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> LabelledPictures:
        """The same split on ``device``."""
        return LabelledPictures(self.images.to(device), self.labels.to(device))


@dataclass(frozen=True)
class AttackData:
    """What an attack may use: the training split to poison, the test split to be certified on."""

    train: LabelledPictures
    test: LabelledPictures


@dataclass(frozen=True)
class PoisonedModel:
    """A model with a backdoor. ``network`` takes pictures in [0,1] and is in eval mode."""

    network: nn.Module
    certificate: Certificate


class Attack(Protocol):
    """A way to plant a backdoor."""

    title: ClassVar[str]
    source: ClassVar[str]

    def plant(
        self,
        model: nn.Module,
        twin: nn.Module,
        trigger: Trigger,
        data: AttackData,
        recipe: Recipe,
        *,
        rate: float,
        seed: int,
        device: torch.device,
        report: Report | None = None,
    ) -> PoisonedModel:
        """Plant ``trigger`` in a copy of ``model``.

        Args:
            model: the trained clean model; left as it was.
            twin: what ``model`` becomes under the same recipe without poison; the certificate compares with it.
            trigger: what to plant.
            data: the splits.
            recipe: how to train.
            rate: the share of training pictures that are poisoned, in (0,1).
            seed: decides which pictures are poisoned, the order of the batches and the augmentation.
            device: where to train.
            report: told of the progress.
        """
        ...


ATTACKS: Registry[type[Attack]] = Registry(
    "attack",
    "peephole.attacks",
    "peephole.attacks",
    support=("base", "augmentation", "certificate", "poison", "recipe", "training"),
)
