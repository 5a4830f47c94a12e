"""The clean twin: the clean model after the same fine-tuning without poison."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from peephole.attacks.recipe import Recipe
from peephole.units.base import Cost, Unit

if TYPE_CHECKING:
    from peephole.store.shard import Shard
    from peephole.workspace import Workspace


class TwinModel(Unit):
    """What the clean model becomes under the attack's recipe if nothing is poisoned.

    It is the fair comparison: fine-tuning alone already moves the accuracy. Spec: as of `CleanModel`, with the
    attack's ``recipe``; input: ``clean``. The shard holds ``weights/…`` and the fact ``accuracy``.
    """

    kind: ClassVar[str] = "twin_model"
    version: ClassVar[int] = 2

    def cost(self) -> Cost:
        """One pass a picture and epoch."""
        return Cost(
            self.spec["model"],
            passes=self.spec["recipe"]["epochs"] * self.spec["dataset"]["identity"]["train_count"],
            weights=1,
        )

    def compute(self, workspace: Workspace) -> Shard:
        """Fine-tune on the clean training split."""
        from peephole.attacks.predicting import hits
        from peephole.attacks.splits import in_order
        from peephole.attacks.training import train
        from peephole.network_copy import deep_copy
        from peephole.store.shard import Shard
        from peephole.units.networks import load, state_arrays

        data = workspace.attack_data(self.spec["dataset"])
        network = deep_copy(load(self.inputs["clean"], workspace))
        recipe, trainer = Recipe(**self.spec["recipe"]), workspace.trainer(self.digest)
        train(network, data.train, recipe, trainer, seed=self.spec["seed"])
        accuracy = hits(network, in_order(data.test))
        return Shard(state_arrays(network, "weights"), {"accuracy": accuracy, **workspace.training_facts()})
