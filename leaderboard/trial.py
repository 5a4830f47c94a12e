"""A metric of any kind, asked in one way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from peephole.errors import PeepholeError
from peephole.leaderboard.base import ComparisonMetric, DerivedMetric, Levels, MapMetric, Metric, Probes, Scored
from peephole.leaderboard.known_probes import noise
from peephole.leaderboard.texts import NAMING


@dataclass(frozen=True)
class Trial:
    """A metric and the pictures that it is tried on.

    Attributes:
        metric: of any kind.
        probes: with a network and with numbers.
        reads_signs: whether negative relevance counts for something else than none.
    """

    metric: Metric
    probes: Probes
    reads_signs: bool = False

    @property
    def tolerance(self) -> float:
        """How far two scores may be apart that ought to be one; networks calculate in single precision."""
        return 1e-5 if self.metric.network else 1e-12

    def score(self, maps: Tensor, others: Tensor | None = None) -> Scored:
        """Score maps ``[N,T,H,W]``; other networks' are noise if not given.

        Raises:
            PeepholeError: the metric refuses them, or is of no known kind.
        """
        return _score(self.metric, maps, self.probes, self.others if others is None else others)

    @property
    def others(self) -> Tensor:
        """Maps of other networks that have nothing to do with anything: ``[V,N,T,H,W]``."""
        twin = isinstance(self.metric, ComparisonMetric) and self.metric.against == "twin"
        return torch.stack([noise(self.probes, stream) - 0.5 for stream in range(50, 51 if twin else 53)])

    def of(self, pictures: Tensor) -> Trial:
        """The same for some of the pictures, by their places."""
        tensors = {field.name: getattr(self.probes, field.name) for field in fields(Probes)}
        cut: dict[str, Any] = {name: value[pictures] for name, value in tensors.items() if isinstance(value, Tensor)}
        return replace(self, probes=replace(self.probes, **cut, levels=_cut(self.probes.levels, pictures)))


def parts_of(metric: DerivedMetric) -> list[Metric]:
    """The metrics that a derived one is made of."""
    return [NAMING.build(name) for name in metric.parts]


def _score(metric: Metric, maps: Tensor, probes: Probes, others: Tensor) -> Scored:
    if isinstance(metric, MapMetric):
        return metric.score(maps.unsqueeze(2) if metric.channels else maps, probes)
    if isinstance(metric, DerivedMetric):
        return metric.combine([_score(part, maps, probes, others) for part in parts_of(metric)])
    if isinstance(metric, ComparisonMetric):
        return metric.compare(maps, others, probes)
    raise PeepholeError(
        f"{type(metric).__name__} is no metric, expected a MapMetric, DerivedMetric or ComparisonMetric; derive it"
    )


def _cut(levels: Mapping[Metric, Levels], pictures: Tensor) -> Mapping[Metric, Levels]:
    return {metric: Levels(known.chance[pictures], known.best[pictures]) for metric, known in levels.items()}
