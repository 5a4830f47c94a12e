"""Several metrics on the maps of one layer, and the mean of several scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from peephole.errors import PeepholeError
from peephole.leaderboard.base import ComparisonMetric, DerivedMetric, MapMetric, Metric, Probes, Scored
from peephole.leaderboard.relevance import to_picture


def score_maps(
    metrics: Mapping[str, Metric], maps: Tensor, probes: Probes, others: Tensor | None = None
) -> dict[str, Scored]:
    """Score maps by metrics of any kind.

    Args:
        metrics: by name; what a `DerivedMetric` is made of stands under its own name beside it.
        maps: floating point ``[N,T,c,h,w]``, signed, at the layer's own resolution.
        probes: the pictures.
        others: the maps that the same method makes of V other networks, ``[V,N,T,c,h,w]``, for `ComparisonMetric`.

    Raises:
        PeepholeError: maps that do not fit the probes or hold NaN; probes that lack what a metric needs; a part of a
            derived metric, or maps to compare with, that are missing.
    """
    side = (probes.image.shape[-2], probes.image.shape[-1])
    relevance = to_picture(maps, side)
    found: dict[str, Scored] = {}
    for name, metric in metrics.items():
        if isinstance(metric, MapMetric):
            found[name] = metric.score(_with_channels(maps, relevance) if metric.channels else relevance, probes)
        elif isinstance(metric, ComparisonMetric):
            if others is None:
                raise PeepholeError(f"{name} compares maps with those of other networks, expected some; give them")
            found[name] = metric.compare(relevance, torch.stack([to_picture(other, side) for other in others]), probes)
    for name, metric in metrics.items():
        if isinstance(metric, DerivedMetric):
            missing = [part for part in metric.parts if part not in found]
            if missing:
                raise PeepholeError(
                    f"{name} is made of {', '.join(metric.parts)}, but there is no {missing[0]}; add it"
                )
            found[name] = metric.combine([found[part] for part in metric.parts])
    return found


def _with_channels(maps: Tensor, relevance: Tensor) -> Tensor:
    """Maps ``[N,T,c,h,w]`` at the picture's resolution, ``[N,T,c,H,W]``."""
    channels = maps.shape[2]
    if channels == 1:
        return relevance.unsqueeze(2)
    side = (relevance.shape[-2], relevance.shape[-1])
    each = to_picture(maps.flatten(1, 2).unsqueeze(2), side)
    return each.view(len(each), -1, channels, *side)


def mean_score(scored: Sequence[Scored]) -> Scored:
    """The mean of several scores of the same map; a picture is valid if all of them are."""
    valid = torch.stack([one.valid for one in scored]).all(dim=0)
    chance = torch.stack([one.chance for one in scored]).mean(dim=0)
    value = torch.stack([one.value for one in scored]).mean(dim=0).where(valid, chance)
    return replace(scored[0], value=value, chance=chance, valid=valid)
