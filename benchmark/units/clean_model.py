"""The clean model: trained from scratch, or read from the user's file of weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from peephole.attacks.recipe import Recipe
from peephole.units.base import Cost, Unit

if TYPE_CHECKING:
    from peephole.store.shard import Shard
    from peephole.workspace import Workspace


class CleanModel(Unit):
    """Spec: ``dataset`` (name, side, identity), ``model``, ``model_code``, ``recipe``, ``seed`` and ``weights``
    (the sha256 of the user's file, else None).

    The shard holds ``weights/…`` and the facts ``accuracy`` ``[hits, total]`` on the test split and
    ``data_digest`` of both splits.
    """

    kind: ClassVar[str] = "clean_model"
    version: ClassVar[int] = 1

    def cost(self) -> Cost:
        """One pass a picture and epoch, or one to check given weights."""
        epochs = 0.0 if self.spec["weights"] else self.spec["recipe"]["epochs"]
        return Cost(self.spec["model"], passes=epochs * self.spec["dataset"]["identity"]["train_count"], weights=1)

    def compute(self, workspace: Workspace) -> Shard:
        """Train, or load; then measure on the test split."""
        from peephole.attacks.training import predict, train
        from peephole.store.shard import Shard
        from peephole.units.networks import build, load_file, weight_arrays

        spec = self.spec
        data = workspace.attack_data(spec["dataset"])
        network = build(spec["model"], workspace, spec["dataset"], spec["seed"]).to(workspace.device)
        if spec["weights"]:
            load_file(workspace.weights_file(spec["weights"]), network)
        else:
            recipe, report = Recipe(**spec["recipe"]), workspace.report
            train(network, data.train.images, data.train.labels, recipe, seed=spec["seed"], report=report)
        hits = predict(network, data.test.images) == data.test.labels
        facts = {
            "accuracy": [int(hits.sum()), len(hits)],
            "data_digest": workspace.data_digest(spec["dataset"]),
            **workspace.facts(),
        }
        return Shard(weight_arrays(network), facts)
