"""Scores: what one metric says about the maps of one method, picture by picture and layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from peephole.leaderboard.base import METRICS
from peephole.units.base import Cost, Unit

if TYPE_CHECKING:
    from peephole.store.shard import Shard
    from peephole.workspace import Workspace


class Scores(Unit):
    """Spec: ``model``, ``metric``, ``metric_code``; inputs: ``maps`` and ``probes``.

    The shard holds ``value``, ``chance`` (float64 ``[L,N]``) and ``valid`` (bool ``[L,N]``) and the facts ``layers``,
    ``direction``, ``best`` and ``core``. N are the pictures that there are maps of.
    """

    kind: ClassVar[str] = "scores"
    version: ClassVar[int] = 1

    def cost(self) -> Cost:
        """Reading maps and a few sums: no pass of the network."""
        return Cost(self.spec["model"], passes=0, pictures=10)

    def compute(self, workspace: Workspace) -> Shard:
        """Reduce each layer's maps to the picture's resolution and score them."""
        import torch

        from peephole.leaderboard.relevance import to_picture
        from peephole.store.shard import Shard
        from peephole.units.probe_set import read_probes, share_of

        metric = METRICS[self.spec["metric"]]()
        probes = read_probes(self.inputs["probes"], workspace, share_of(self.inputs["maps"]))
        side = (probes.image.shape[-2], probes.image.shape[-1])
        maps = workspace.read(self.inputs["maps"]).group("maps")
        scored = [
            metric.score(to_picture(torch.from_numpy(array).to(workspace.device), side), probes)
            for array in maps.values()
        ]
        arrays = {
            name: torch.stack([getattr(layer, name) for layer in scored]).cpu().numpy()
            for name in ("value", "chance", "valid")
        }
        facts = {"direction": metric.direction, "best": metric.best, "core": metric.core, "layers": list(maps)}
        return Shard(arrays, {**facts, **workspace.facts()})
