"""Sanity: what is left of a method's maps when the network's weights are randomised."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Self

from peephole.costs import passes_of
from peephole.units.asked import Asked
from peephole.units.base import Cost, Unit
from peephole.units.pieces import Piece, maps_of, pieces
from peephole.units.probe_set import probe_count, share_of
from peephole.units.score_arrays import ScoreArrays

if TYPE_CHECKING:
    from torch import Tensor, nn

    from peephole.leaderboard.base import ComparisonMetric, Scored
    from peephole.store.shard import Shard
    from peephole.workspace import Workspace

NETWORKS = 3
"""Nearly as many randomised networks there are for each stage, of which a network has about as many as layers."""


class SanityScores(Unit):
    """Spec: ``model``, ``method`` and ``method_code`` (as of `Maps`), ``metrics`` (as of `Scores`), ``seed``,
    ``randomisation_code`` and ``share``; inputs: ``maps``, ``probes`` and ``network``, the poisoned model.

    The shard is as of `Scores`. A metric's value is the mean over the randomised networks that it compares with.
    """

    kind: ClassVar[str] = "sanity_scores"
    version: ClassVar[int] = 2

    def cost(self) -> Cost:
        """The maps of the share of the pictures, of every randomised network."""
        count = probe_count(self.inputs["probes"]) * share_of(self)
        passes = passes_of(self.spec["method"])
        return Cost(self.spec["model"], passes=0, layer_passes=NETWORKS * count * passes, pictures=1)

    @property
    def group(self) -> Hashable:
        """Methods share the randomised networks and the forward passes; their own maps do not matter for that."""
        return self.inputs["probes"].digest, self.inputs["network"].digest, share_of(self)

    def compute(self, workspace: Workspace) -> Shard:
        """Randomise, explain, compare."""
        ((_, result),) = self.compute_all([self], workspace)
        if isinstance(result, Exception):
            raise result
        return result

    @classmethod
    def compute_all(cls, units: Sequence[Self], workspace: Workspace) -> Iterator[tuple[Self, Shard | Exception]]:
        """All methods are asked about one randomised network after the other; maps do not outlive their network."""
        from peephole.attributions.randomised import plan, randomised, stages
        from peephole.leaderboard.base import ComparisonMetric
        from peephole.units.networks import load
        from peephole.units.scores import built

        first = units[0]
        trained = load(first.inputs["network"], workspace)
        orders = plan(stages(trained))
        distinct = list(dict.fromkeys(which for order in orders.values() for which in order))
        every = built(first.spec["metrics"])
        metrics = {name: metric for name, metric in every.items() if isinstance(metric, ComparisonMetric)}
        comparison = _Comparison(units, metrics, list(pieces(first.inputs["probes"], workspace, share_of(first))))
        for done, which in enumerate(distinct):
            wanted = [name for name, metric in metrics.items() if which in orders[metric.against]]
            comparison.add(randomised(trained, which, first.spec["seed"]), wanted, workspace)
            workspace.report((done + 1) / len(distinct))
        for unit in units:
            if unit.digest in comparison.errors:
                yield unit, comparison.errors[unit.digest]
            else:
                yield unit, comparison.means(unit, workspace)


class _Comparison:
    """Scores of several methods beside one randomised network after the other.

    Attributes:
        errors: what methods raised, by the digest of their unit.
    """

    def __init__(
        self, units: Sequence[SanityScores], metrics: Mapping[str, ComparisonMetric], parts: Sequence[Piece]
    ) -> None:
        self.errors: dict[str, Exception] = {}
        self._units, self._metrics, self._parts = units, metrics, parts
        self._maps: dict[tuple[str, str, int], Tensor] = {}
        self._scored: dict[tuple[str, str, str, int], list[Scored]] = {}

    def add(self, network: nn.Module, wanted: Sequence[str], workspace: Workspace) -> None:
        """Ask all methods about ``network`` and compare by the ``wanted`` metrics."""
        import torch

        from peephole.attributions.graph import canonicalise
        from peephole.leaderboard.scoring import score_maps

        metrics = {name: self._metrics[name] for name in wanted}
        specs = {unit.digest: unit.spec for unit in self._units if unit.digest not in self.errors}
        for number, piece in enumerate(self._parts):
            channels, height, width = piece.probes.image.shape[1:]
            with workspace.store.scratch() as folder:
                asked = Asked(specs, workspace, canonicalise(network, (channels, height, width)), folder)
                asked.explain(piece.probes, workspace.machine.batch, lambda share: None)
                self.errors |= asked.errors
                for unit in self._units:
                    if unit.digest in self.errors:
                        continue
                    for layer, array in asked.maps(unit.digest).items():
                        layer = layer.removeprefix("maps/")
                        others = torch.from_numpy(array).to(workspace.device).unsqueeze(0)
                        key = (unit.digest, layer, number)
                        if key not in self._maps:
                            self._maps[key] = maps_of(unit.inputs["maps"], layer, piece.places, workspace)
                        for name, scored in score_maps(metrics, self._maps[key], piece.probes, others).items():
                            self._scored.setdefault((unit.digest, name, layer, number), []).append(scored)

    def means(self, unit: SanityScores, workspace: Workspace) -> Shard:
        """The mean over the networks, as the shard of a unit."""
        from peephole.leaderboard.scoring import mean_score

        layers = workspace.open(unit.inputs["maps"]).group("maps")
        arrays, first = ScoreArrays(self._metrics, layers, sum(len(piece.places) for piece in self._parts)), 0
        for number, piece in enumerate(self._parts):
            for layer in layers:
                each = {name: self._scored[unit.digest, name, layer, number] for name in self._metrics}
                arrays.put(layer, first, {name: mean_score(scored) for name, scored in each.items()})
            first += len(piece.places)
        return arrays.shard(workspace)
