"""Fine-tune a trained model on a poisoned training set: the attack of P1 (A.1)."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import nn

from peephole.attacks.base import ATTACKS, AttackData, PoisonedModel, Report
from peephole.attacks.certificate import certify
from peephole.attacks.poison import Poison
from peephole.attacks.recipe import Recipe
from peephole.attacks.training import train
from peephole.triggers.base import Trigger


@ATTACKS.register
class FineTuning:
    """Poison a fixed share of the training set and go on training the clean model on all of it.

    P1: "finetuning the pre-trained model VGG16 and ResNet50 with a step size of 1e-4, 10 % data are trojans, and
    train 15 epochs". The paper leaves open the optimiser, the schedule and which pictures are poisoned; here they are
    SGD under a one-cycle schedule, and a draw over all classes that stays the same in every epoch. The mark is put
    on after augmentation, so that it lies where the truth mask says.
    """

    title = "Poisoned fine-tuning"
    source = "Delve into the layer choice of BP-based attribution explanations, A.1"

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
        """See `Attack.plant`."""
        train_set, test_set = data.train.to(device), data.test.to(device)
        poison = Poison.draw(trigger, len(train_set), rate, seed)
        network = deepcopy(model).to(device)
        train(network, train_set.images, train_set.labels, recipe, seed=seed, poison=poison, report=report)
        certificate = certify(network, twin.to(device), trigger, test_set.images, test_set.labels)
        return PoisonedModel(network, certificate)
