"""What all attacks have in common: train on the poison, certify the result."""

from __future__ import annotations

from copy import deepcopy

from torch import nn

from peephole.attacks.base import AttackData, PoisonedModel
from peephole.attacks.certificate import certify
from peephole.attacks.poison import Poison
from peephole.attacks.recipe import Recipe, TriggerRecipe
from peephole.attacks.trainer import Trainer
from peephole.attacks.training import prepare, train


def planted(
    model: nn.Module,
    twin: nn.Module,
    poison: Poison,
    data: AttackData,
    recipe: Recipe,
    trigger_recipe: TriggerRecipe,
    seed: int,
    trainer: Trainer,
) -> PoisonedModel:
    """Prepare the trigger, train a copy of ``model`` on the poisoned pictures, certify it. Arguments as of `Attack`."""
    share = trigger_recipe.epochs / (trigger_recipe.epochs + recipe.epochs)
    checkpoint = trainer.checkpoint("train")
    if checkpoint is None or checkpoint.load() is None:  # which holds the prepared trigger, too
        prepare(poison, data.train, recipe, trigger_recipe, trainer.part(0, share), seed=seed)
    network = deepcopy(model)
    train(
        network,
        data.train,
        recipe,
        trainer.part(share, 1),
        seed=seed,
        poison=poison,
        trigger_recipe=trigger_recipe,
    )
    return PoisonedModel(network, poison.stamper, certify(network, twin, poison.stamper, data.test, seed))
