"""Maps that are known beforehand, for the calibration rows of a board."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from peephole.leaderboard.base import CALIBRATION
from peephole.units.base import Cost, Unit
from peephole.units.probe_set import probe_count

if TYPE_CHECKING:
    from peephole.store.shard import Shard
    from peephole.workspace import Workspace


class CalibrationMaps(Unit):
    """Spec: ``model``, ``method``, ``method_code``, ``seed``; input: ``probes``.

    The shard holds ``maps/input`` float32 ``[N,T,1,H,W]``.
    """

    kind: ClassVar[str] = "calibration_maps"
    version: ClassVar[int] = 1

    def cost(self) -> Cost:
        """No pass at all."""
        return Cost(self.spec["model"], passes=0, pictures=probe_count(self.inputs["probes"]) / 3)

    def compute(self, workspace: Workspace) -> Shard:
        """Draw the maps from the truth, or from nothing."""
        from peephole.store.shard import Shard
        from peephole.units.probe_set import read_probes

        probes = read_probes(self.inputs["probes"], workspace)
        maps = CALIBRATION[self.spec["method"]]().maps(probes, self.spec["seed"])
        return Shard({"maps/input": maps.unsqueeze(2).float().cpu().numpy()}, workspace.facts())
