"""What all attacks have in common: train on the poison, certify the result."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import nn

from peephole.attacks.base import AttackData, PoisonedModel
from peephole.attacks.certificate import certify
from peephole.attacks.poison import Poison, Shares
from peephole.attacks.recipe import Recipe, TriggerRecipe
from peephole.attacks.trainer import Trainer
from peephole.attacks.training import prepare, train
from peephole.network_copy import deep_copy
from peephole.triggers.stamper import Stamper


class Planting(ABC):
    """Prepare the trigger, train a copy of the model on poisoned pictures, certify it. Subclasses say which."""

    @abstractmethod
    def poison(self, stamper: Stamper, shares: Shares, count: int, batch_size: int, seed: int) -> Poison:
        """What happens to the pictures of a batch.

        Args:
            stamper: what to plant.
            shares: how many training pictures are poisoned.
            count: training pictures there are.
            batch_size: pictures that one device sees in a step.
            seed: of what is drawn once.
        """

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
        """See `Attack.plant`."""
        poison = self.poison(stamper, shares, len(data.train), recipe.batch_size // trainer.devices, seed)
        share = trigger_recipe.epochs / (trigger_recipe.epochs + recipe.epochs)
        checkpoint = trainer.checkpoint("train")
        if checkpoint is None or checkpoint.load() is None:  # which holds the prepared trigger, too
            prepare(poison, data.train, recipe, trigger_recipe, trainer.part(0, share), seed=seed)
        network = deep_copy(model)
        train(
            network,
            data.train,
            recipe,
            trainer.part(share, 1),
            seed=seed,
            poison=poison,
            trigger_recipe=trigger_recipe,
        )
        return PoisonedModel(network, stamper, certify(network, twin, stamper, data.test, seed))
