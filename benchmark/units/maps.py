"""Maps: what one attribution method says about one probe set, at every layer."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, Self

from peephole.units.asked import Asked
from peephole.units.base import Cost, Unit
from peephole.units.probe_set import probe_count, share_of

if TYPE_CHECKING:
    from peephole.store.shard import Shard
    from peephole.workspace import Workspace


class Maps(Unit):
    """Spec: ``model``, ``method`` (a text), ``method_code``, and ``share`` if the method is scored on a share of the
    pictures only; inputs: ``network``, the poisoned model or its clean twin, and ``probes``.

    The shard holds, for each layer that the method has maps at, ``maps/LAYER`` float32 ``[N,T,c,h,w]`` at the layer's
    own resolution or the picture's, signed and un-normalised, channels summed (the input layer keeps them), in the
    order of the layers, and the facts of `Asked.facts`. N are the pictures that are `covered`.
    """

    kind: ClassVar[str] = "maps"
    version: ClassVar[int] = 3

    def cost(self) -> Cost:
        """As many passes a probe as the method makes, for all layers together; a second target doubles it."""
        count = probe_count(self.inputs["probes"]) * share_of(self)
        return Cost(self.spec["model"], passes=count, maps=count, method=self.spec["method"])

    @property
    def group(self) -> Hashable:
        """Methods on the same pictures share forward passes."""
        return share_of(self)

    def compute(self, workspace: Workspace) -> Shard:
        """Explain every probe, batch by batch."""
        ((_, result),) = self.compute_all([self], workspace)
        if isinstance(result, Exception):
            raise result
        return result

    @classmethod
    def compute_all(cls, units: Sequence[Self], workspace: Workspace) -> Iterator[tuple[Self, Shard | Exception]]:
        """Ask all methods the same questions. Maps wait on disk: memory does not grow with the number of pictures."""
        from peephole.attributions.graph import canonicalise
        from peephole.store.shard import Shard
        from peephole.units.networks import load
        from peephole.units.probe_set import read_probes

        probes = read_probes(units[0].inputs["probes"], workspace, share_of(units[0]))
        channels, height, width = probes.image.shape[1:]
        network = canonicalise(load(units[0].inputs["network"], workspace), (channels, height, width))
        specs = {unit.digest: unit.spec for unit in units}
        with workspace.store.scratch() as folder:
            asked = Asked(specs, workspace, network, folder)
            asked.explain(probes, workspace.machine.batch, workspace.report)
            for unit in units:
                error = asked.errors.get(unit.digest)
                if error is not None:
                    yield unit, error
                else:
                    yield unit, Shard(asked.maps(unit.digest), {**asked.facts(unit.digest), **workspace.facts()})
