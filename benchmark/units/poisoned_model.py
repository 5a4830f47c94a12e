"""The poisoned model: an attack plants a trigger in the clean model and certifies the result."""

from __future__ import annotations

from dataclasses import astuple
from typing import TYPE_CHECKING, Any, ClassVar

from peephole.attacks.base import ATTACKS
from peephole.attacks.recipe import Recipe
from peephole.triggers.base import TRIGGERS
from peephole.units.base import Cost, Unit

if TYPE_CHECKING:
    from peephole.attacks.certificate import Certificate
    from peephole.store.shard import Shard
    from peephole.workspace import Workspace


class PoisonedModelUnit(Unit):
    """Spec: as of `TwinModel`, with ``trigger``, ``trigger_code``, ``attack``, ``attack_code`` and ``rate``; inputs:
    ``clean`` and ``twin``.

    The shard holds ``weights/…`` and the fact ``certificate``.
    """

    kind: ClassVar[str] = "poisoned_model"
    version: ClassVar[int] = 1

    def cost(self) -> Cost:
        """One pass a picture and epoch."""
        return Cost(
            self.spec["model"],
            passes=self.spec["recipe"]["epochs"] * self.spec["dataset"]["identity"]["train_count"],
            weights=1,
        )

    def compute(self, workspace: Workspace) -> Shard:
        """Run the attack."""
        from peephole.store.shard import Shard
        from peephole.units.networks import load, weight_arrays

        spec = self.spec
        trigger = TRIGGERS[spec["trigger"]]()
        planted = ATTACKS[spec["attack"]]().plant(
            load(self.inputs["clean"], workspace),
            load(self.inputs["twin"], workspace),
            trigger,
            workspace.attack_data(spec["dataset"]),
            Recipe(**spec["recipe"]),
            rate=spec["rate"],
            seed=spec["seed"],
            device=workspace.device,
            report=workspace.report,
        )
        facts = {"certificate": certificate_facts(planted.certificate, trigger.targets), **workspace.facts()}
        return Shard(weight_arrays(planted.network), facts)


def certificate_facts(certificate: Certificate, targets: tuple[int, ...]) -> dict[str, Any]:
    """A certificate as JSON values: every rate as ``[hits, total]``, success rates in the order of ``targets``."""
    return {
        "clean_accuracy": list(astuple(certificate.clean_accuracy)),
        "twin_accuracy": list(astuple(certificate.twin_accuracy)),
        "attack_success": [list(astuple(rate)) for rate in certificate.attack_success],
        "targets": list(targets),
    }
