"""Levels: what maps that know nothing score on a poisoned network, and what the truth itself does."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from peephole.units.base import Cost, Unit
from peephole.units.pieces import pieces
from peephole.units.probe_set import probe_count, share_of

if TYPE_CHECKING:
    from peephole.store.shard import Shard
    from peephole.workspace import Workspace


class LevelsUnit(Unit):
    """Spec: as of `Scores`; inputs: ``probes`` and ``network``.

    The shard holds ``places`` (int64 ``[N]``, which pictures of the probe set), the fact ``measured``, a list of those
    metrics whose levels are measured, and ``chance`` and ``best`` (float64 ``[M,N]``) in the order of that list.
    """

    kind: ClassVar[str] = "levels"
    version: ClassVar[int] = 2

    def cost(self) -> Cost:
        """About nine maps a picture, see `peephole.leaderboard.measured`."""
        from peephole.units.scores import CURVES

        asked = probe_count(self.inputs["probes"]) * share_of(self) * CURVES * (self.spec["steps"] + 1)
        return Cost(self.spec["model"], passes=9 * asked / 3, pictures=1)

    def compute(self, workspace: Workspace) -> Shard:
        """Measure, piece by piece."""
        from dataclasses import replace

        import torch

        from peephole.leaderboard.measured import MeasuredMetric
        from peephole.store.shard import Shard
        from peephole.units.networks import examined
        from peephole.units.scores import built

        network = examined(self.inputs["network"], workspace, self.spec["steps"])
        every = built(self.spec["metrics"])
        metrics = {name: metric for name, metric in every.items() if isinstance(metric, MeasuredMetric)}
        places, found = [], []
        for piece in pieces(self.inputs["probes"], workspace, share_of(self)):
            probes = replace(piece.probes, network=network)
            levels = [metric.levels(probes) for metric in metrics.values()]
            places.append(piece.places)
            none = torch.empty(0, len(piece.places), dtype=torch.float64)
            found.append(
                [torch.stack([getattr(one, name) for one in levels]) if levels else none for name in ("chance", "best")]
            )
        chance, best = (torch.cat(parts, dim=1).cpu().numpy() for parts in zip(*found, strict=True))
        arrays = {"places": np.concatenate(places), "chance": chance, "best": best}
        return Shard(arrays, {"measured": list(metrics), **workspace.facts()})
