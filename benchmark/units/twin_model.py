"""The clean twin: the clean model after the same fine-tuning without poison."""

from __future__ import annotations

from copy import deepcopy
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
    version: ClassVar[int] = 1

    def cost(self) -> Cost:
        """One pass a picture and epoch."""
        return Cost(
            self.spec["model"],
            passes=self.spec["recipe"]["epochs"] * self.spec["dataset"]["identity"]["train_count"],
            weights=1,
        )

    def compute(self, workspace: Workspace) -> Shard:
        """Fine-tune on the clean training split."""
        from peephole.attacks.training import predict, train
        from peephole.store.shard import Shard
        from peephole.units.networks import load, weight_arrays

        data = workspace.attack_data(self.spec["dataset"])
        network = deepcopy(load(self.inputs["clean"], workspace))
        recipe, seed = Recipe(**self.spec["recipe"]), self.spec["seed"]
        train(network, data.train.images, data.train.labels, recipe, seed=seed, report=workspace.report)
        hits = predict(network, data.test.images) == data.test.labels
        return Shard(weight_arrays(network), {"accuracy": [int(hits.sum()), len(hits)], **workspace.facts()})
