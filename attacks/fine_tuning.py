"""Fine-tune a trained model on a poisoned training set: the attack of P1 (A.1)."""

from __future__ import annotations

from torch import nn

from peephole.attacks.base import ATTACKS, AttackData, PoisonedModel
from peephole.attacks.planting import planted
from peephole.attacks.poison import Poison, Shares
from peephole.attacks.recipe import Recipe, TriggerRecipe
from peephole.attacks.trainer import Trainer
from peephole.triggers.stamper import Stamper


@ATTACKS.register
class FineTuning:
    """Poison a fixed share of the training set and go on training the clean model on all of it.

    P1: "finetuning the pre-trained model VGG16 and ResNet50 with a step size of 1e-4, 10 % data are trojans, and
    train 15 epochs". The paper leaves open the optimiser, the schedule and which pictures are poisoned; here they are
    SGD, the recipe's schedule, and a draw over all classes that stays the same in every epoch. The mark is put
    on after augmentation, so that it lies where the truth mask says.
    """

    title = "Poisoned fine-tuning"
    source = "Delve into the layer choice of BP-based attribution explanations, A.1"

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
        poison = Poison.fixed(stamper, shares, len(data.train), seed)
        return planted(model, twin, poison, data, recipe, trigger_recipe, seed, trainer)
