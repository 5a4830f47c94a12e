"""The poisoned model: an attack plants a trigger in the clean model and certifies the result."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from peephole.attacks.base import ATTACKS
from peephole.attacks.recipe import Recipe, TriggerRecipe
from peephole.units.base import Cost, Unit

if TYPE_CHECKING:
    from peephole.store.shard import Shard
    from peephole.workspace import Workspace


class PoisonedModelUnit(Unit):
    """Spec: as of `TwinModel`, with ``trigger`` (a text), ``trigger_code``, ``attack``, ``attack_code``, ``rate``,
    ``negatives`` and ``trigger_recipe``; inputs: ``clean`` and ``twin``.

    The shard holds ``weights/…``, what the trigger has drawn and learnt as ``trigger/…``, and the facts
    ``certificate``, ``training_dtype`` and ``weights_digest``, see `peephole.store.shard.arrays_digest`.
    """

    kind: ClassVar[str] = "poisoned_model"
    version: ClassVar[int] = 2

    def cost(self) -> Cost:
        """One pass a picture and epoch; what a trigger learns beforehand counts as much."""
        epochs = self.spec["recipe"]["epochs"] + self.spec["trigger_recipe"]["epochs"]
        return Cost(self.spec["model"], passes=epochs * self.spec["dataset"]["identity"]["train_count"], weights=1)

    def compute(self, workspace: Workspace) -> Shard:
        """Run the attack."""
        from peephole.attacks.poison import Shares
        from peephole.certificates import certificate_facts
        from peephole.store.shard import Shard, arrays_digest
        from peephole.units.networks import draw, load, state_arrays

        spec = self.spec
        planted = ATTACKS[spec["attack"]]().plant(
            load(self.inputs["clean"], workspace),
            load(self.inputs["twin"], workspace),
            draw(self, workspace),
            workspace.attack_data(spec["dataset"]),
            Recipe(**spec["recipe"]),
            TriggerRecipe(**spec["trigger_recipe"]),
            Shares(spec["rate"], spec["negatives"]),
            seed=spec["seed"],
            trainer=workspace.trainer(self.digest),
        )
        arrays = {**state_arrays(planted.network, "weights"), **state_arrays(planted.stamper, "trigger")}
        facts = {"certificate": certificate_facts(planted.certificate), "weights_digest": arrays_digest(arrays)}
        return Shard(arrays, {**facts, **workspace.training_facts()})
