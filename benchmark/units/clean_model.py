"""The clean model: trained from scratch, or filled with weights that are there already."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from peephole.attacks.recipe import Recipe
from peephole.units.base import Cost, Unit

if TYPE_CHECKING:
    from peephole.store.shard import Shard
    from peephole.workspace import Workspace


class CleanModel(Unit):
    """Spec: ``dataset`` (name, side, identity), ``model``, ``model_code``, ``recipe``, ``seed`` and ``weights``
    (the sha256 of the user's file, or what stands for weights that have a name, else None).

    The shard holds ``weights/…`` and the facts ``accuracy`` ``[hits, total]`` on the test split and
    ``data_digest`` of both splits.
    """

    kind: ClassVar[str] = "clean_model"
    version: ClassVar[int] = 2

    def cost(self) -> Cost:
        """One pass a picture and epoch, or one to check given weights."""
        epochs = 0.0 if self.spec["weights"] else self.spec["recipe"]["epochs"]
        return Cost(self.spec["model"], passes=epochs * self.spec["dataset"]["identity"]["train_count"], weights=1)

    def compute(self, workspace: Workspace) -> Shard:
        """Train, or load; then measure on the test split."""
        from peephole.attacks.predicting import hits
        from peephole.attacks.splits import in_order
        from peephole.attacks.training import train
        from peephole.store.shard import Shard
        from peephole.units.networks import build, load_weights, state_arrays

        spec = self.spec
        data = workspace.attack_data(spec["dataset"])
        network = build(spec["model"], workspace, spec["dataset"], spec["seed"]).to(workspace.device)
        if spec["weights"]:
            load_weights(network, spec, workspace)
        else:
            train(network, data.train, Recipe(**spec["recipe"]), workspace.trainer(self.digest), seed=spec["seed"])
        facts = {
            "accuracy": hits(network, in_order(data.test)),
            "data_digest": workspace.data_digest(spec["dataset"]),
            **workspace.training_facts(),
        }
        return Shard(state_arrays(network, "weights"), facts)
