"""Poison other pictures in every batch: the attack of somebody who controls the training."""

from __future__ import annotations

from peephole.attacks.base import ATTACKS
from peephole.attacks.planting import Planting
from peephole.attacks.poison import Poison, Shares
from peephole.triggers.stamper import Stamper


@ATTACKS.register
class TrainingControl(Planting):
    """In every batch another share of pictures carries the trigger, and another one what is almost the trigger.

    So do the official codes of WaNet and InputAware, from the first weights on, for 600 and 1,000 epochs, at a rate
    of 0.01 that their steps would lower at epochs which shorter trainings never reach. Here the clean model is trained
    further, under a schedule that fits the epochs. Networks that make the trigger learn together with the model,
    by Adam; the gradients of both are zero before every step.
    """

    title = "Training control: other poisoned pictures in every batch"
    source = (
        "Nguyen, Tran 2021, WaNet, arXiv:2102.10369, and 2020, Input-Aware Dynamic Backdoor Attack, arXiv:2010.08138"
    )

    def poison(self, stamper: Stamper, shares: Shares, count: int, batch_size: int, seed: int) -> Poison:
        """Other pictures in every batch."""
        return Poison.fresh(stamper, shares, batch_size)
