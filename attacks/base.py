"""What an attack is: it takes a trained model and hands back one with a backdoor, and the evidence for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from peephole.registry import Registry

if TYPE_CHECKING:
    from torch import nn

    from peephole.attacks.certificate import Certificate
    from peephole.attacks.poison import Shares
    from peephole.attacks.recipe import Recipe, TriggerRecipe
    from peephole.attacks.splits import Split
    from peephole.attacks.trainer import Trainer
    from peephole.triggers.stamper import Stamper


@dataclass(frozen=True)
class AttackData:
    """What an attack may use: the training split to poison, the test split to be certified on."""

    train: Split
    test: Split


@dataclass(frozen=True)
class PoisonedModel:
    """A model with a backdoor. ``network`` takes pictures in [0,1]; it and its trigger are in eval mode."""

    network: nn.Module
    stamper: Stamper
    certificate: Certificate


class Attack(Protocol):
    """A way to plant a backdoor."""

    title: ClassVar[str]
    source: ClassVar[str]

    def plant(
        self,
        model: nn.Module,
        twin: nn.Module,
        stamper: Stamper,
        data: AttackData,
        recipe: Recipe,
        trigger_recipe: TriggerRecipe,
        shares: Shares,
        *,
        seed: int,
        trainer: Trainer,
    ) -> PoisonedModel:
        """Plant a trigger in a copy of ``model``.

        Args:
            model: the trained clean model, on the trainer's device; left as it was.
            twin: what ``model`` becomes under the same recipe without poison; the certificate compares with it.
            stamper: what to plant, on the same device; what it learns is trained in place.
            data: the splits, on the same device.
            recipe: how to train.
            trigger_recipe: how to train what the trigger learns, if anything.
            shares: how many training pictures are poisoned.
            seed: decides which pictures are poisoned, the order of the batches and the augmentation.
            trainer: where to train.
        """
        ...


ATTACKS: Registry[type[Attack]] = Registry(
    "attack",
    "peephole.attacks",
    "peephole.attacks",
    support=(
        *("augmentation", "base", "certificate", "checkpoint", "interruption", "loop", "necessity", "objective"),
        *("optimisers", "planting", "poison", "predicting", "processes", "rate", "recipe", "schedules"),
        *("splits", "state", "trainer", "training"),
    ),
)
