"""Maps: what one attribution method says about one probe set, at every layer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from peephole.attributions.base import ATTRIBUTIONS, Attribution
from peephole.units.base import Cost, Unit
from peephole.units.probe_set import probe_count

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from peephole.attributions.graph import Canonical
    from peephole.leaderboard.base import Probes
    from peephole.store.shard import Shard
    from peephole.workspace import Workspace

BATCH = 32
"""Pictures a backward pass. Larger batches are slower on a processor; no result depends on it."""


class Maps(Unit):
    """Spec: ``model``, ``method``, ``method_code``; inputs: ``poisoned`` and ``probes``.

    The shard holds ``maps/LAYER`` float32 ``[N,T,c,h,w]`` at the layer's own resolution, signed and un-normalised,
    channels summed (the input layer keeps them), in the order of the layers, and the fact ``ms_per_image``: the time
    of all layers together, a picture and target.
    """

    kind: ClassVar[str] = "maps"
    version: ClassVar[int] = 1

    def cost(self) -> Cost:
        """One forward and one backward pass a probe, for all layers together; a second target doubles it."""
        count = probe_count(self.inputs["probes"])
        return Cost(self.spec["model"], passes=count, maps=count)

    def compute(self, workspace: Workspace) -> Shard:
        """Explain every probe, batch by batch."""
        import torch

        from peephole.attributions.graph import canonicalise
        from peephole.store.shard import Shard
        from peephole.units.networks import load
        from peephole.units.probe_set import read_probes

        probes = read_probes(self.inputs["probes"], workspace)
        channels, height, width = probes.image.shape[1:]
        network = canonicalise(load(self.inputs["poisoned"], workspace), (channels, height, width))
        method = ATTRIBUTIONS[self.spec["method"]]()
        start = time.perf_counter()
        batches: list[dict[str, Tensor]] = []
        pieces = torch.arange(len(probes.image)).split(max(1, BATCH // probes.target.shape[1]))
        for done, piece in enumerate(pieces):
            batches.append(explain(method, network, probes, piece))
            workspace.report((done + 1) / len(pieces))
        seconds = time.perf_counter() - start
        maps = {f"maps/{layer}": torch.cat([batch[layer] for batch in batches]).numpy() for layer in network.layers}
        facts = {"ms_per_image": 1000 * seconds / probes.target.numel(), **workspace.facts()}
        return Shard(maps, facts)


def explain(method: Attribution, network: Canonical, probes: Probes, piece: torch.Tensor) -> dict[str, Tensor]:
    """Maps ``[n,T,c,h,w]`` on the CPU for some of the probes: every target of a picture is explained in one batch."""
    image, target = probes.image[piece], probes.target[piece]
    targets = target.shape[1]
    maps = method.attribute(network, image.repeat_interleave(targets, 0), target.flatten(), network.layers)
    return {
        layer: stored(values, keep_channels=layer == network.layers[0]).unflatten(0, (-1, targets)).cpu()
        for layer, values in maps.items()
    }


def stored(values: Tensor, *, keep_channels: bool) -> Tensor:
    """Maps ``[B,c,h,w]`` as they are kept: channels summed except at the input."""
    return (values if keep_channels else values.sum(1, keepdim=True)).detach().float()
