"""Scores: what metrics say about the maps of one method, picture by picture and layer by layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from peephole.units.base import Cost, Unit
from peephole.units.pieces import Piece, maps_of, picture_count, pieces
from peephole.units.probe_set import probe_count, share_of
from peephole.units.score_arrays import ScoreArrays

if TYPE_CHECKING:
    from peephole.leaderboard.base import Levels, Metric, Probes
    from peephole.store.shard import Shard
    from peephole.workspace import Workspace

CURVES = 4
"""About as many curves over pictures do the metrics that ask the network need, and a few passes more."""


class Scores(Unit):
    """Metrics that need the same are scored together, since they share most of the work.

    Spec: ``model``, ``metrics`` (a list of ``metric``, a text, and ``metric_code``), ``share`` if not all pictures are
    scored, and ``steps`` if the network is asked; inputs: ``maps`` and ``probes``; ``network`` and ``levels`` if the
    network is asked; ``other_maps`` if maps are compared with those of another network.

    The shard holds for the M metrics of the list ``value`` (float64 ``[M,L,N]``), ``valid`` (bool ``[M,L,N]``),
    ``chance`` and ``best`` (float64 ``[M,N]``, the same for all maps) and ``scored`` (bool ``[M,N]``), and the facts
    ``layers``, ``metrics`` (name, direction, core) and ``curves``: the names of those of the list that are areas of
    curves, which ``curve`` (float16 ``[C,L,N,G]``) holds in that order if there are any. N are the pictures that the
    share covers, G the shares of `peephole.leaderboard.curve_shares`.
    """

    kind: ClassVar[str] = "scores"
    version: ClassVar[int] = 4

    def cost(self) -> Cost:
        """A few sums a map, and the passes of the curves at every layer if the network is asked."""
        asked = probe_count(self.inputs["probes"]) * share_of(self) * (CURVES * self.spec.get("steps", -1) + CURVES)
        return Cost(self.spec["model"], passes=0, layer_passes=asked / 3, pictures=1)

    def compute(self, workspace: Workspace) -> Shard:
        """Score piece by piece."""
        from peephole.leaderboard.scoring import score_maps

        metrics = built(self.spec["metrics"])
        layers = workspace.open(self.inputs["maps"]).group("maps")
        count = picture_count(self.inputs["probes"], workspace, share_of(self))
        arrays, done = ScoreArrays(metrics, layers, count), 0
        for piece in pieces(self.inputs["probes"], workspace, share_of(self)):
            probes = self._probes(piece, metrics, workspace)
            for layer in layers:
                maps = maps_of(self.inputs["maps"], layer, piece.places, workspace)
                other = self.inputs.get("other_maps")
                others = None if other is None else maps_of(other, layer, piece.places, workspace).unsqueeze(0)
                arrays.put(layer, done, score_maps(metrics, maps, probes, others))
            done += len(piece.places)
            workspace.report(done / count)
        return arrays.shard(workspace)

    def _probes(self, piece: Piece, metrics: Mapping[str, Metric], workspace: Workspace) -> Probes:
        """The probes of a piece with all that the metrics need."""
        if "network" not in self.inputs:
            return piece.probes
        from peephole.units.networks import examined

        network = examined(self.inputs["network"], workspace, self.spec["steps"])
        levels = self._levels(piece, metrics, workspace)
        key = (self.inputs["probes"].digest, self.inputs["levels"].digest, int(piece.places[0]))
        return workspace.keep(key, lambda: replace(piece.probes, network=network, levels=levels))

    def _levels(self, piece: Piece, metrics: Mapping[str, Metric], workspace: Workspace) -> dict[Metric, Levels]:
        import torch

        from peephole.leaderboard.base import Levels

        shard = workspace.open(self.inputs["levels"])
        there = np.searchsorted(shard.read("places"), piece.places)
        known: dict[Metric, Levels] = {}
        chance, best = (
            torch.from_numpy(shard.read(name)[:, there]).to(workspace.device) for name in ("chance", "best")
        )
        for place, metric in enumerate(shard.facts["measured"]):
            known[metrics[metric]] = Levels(chance[place], best[place])
        return known


def built(entries: list[dict[str, str]]) -> dict[str, Metric]:
    """The metrics of a spec's list, by their texts."""
    from peephole.leaderboard.texts import NAMING

    return {entry["metric"]: NAMING.build(entry["metric"]) for entry in entries}
