"""Fine-tune a trained model on a poisoned training set: the attack of P1 (A.1)."""

from __future__ import annotations

from peephole.attacks.base import ATTACKS
from peephole.attacks.planting import Planting
from peephole.attacks.poison import Poison, Shares
from peephole.triggers.stamper import Stamper


@ATTACKS.register
class FineTuning(Planting):
    """Poison a fixed share of the training set and go on training the clean model on all of it.

    P1: "finetuning the pre-trained model VGG16 and ResNet50 with a step size of 1e-4, 10 % data are trojans, and
    train 15 epochs". The paper leaves open the optimiser, the schedule and which pictures are poisoned; here they are
    SGD, the recipe's schedule, and a draw over all classes that stays the same in every epoch. The mark is put
    on after augmentation, so that it lies where the truth mask says.
    """

    title = "Poisoned fine-tuning"
    source = "Delve into the layer choice of BP-based attribution explanations, A.1"

    def poison(self, stamper: Stamper, shares: Shares, count: int, batch_size: int, seed: int) -> Poison:
        """The same pictures in every epoch."""
        return Poison.fixed(stamper, shares, count, seed)
