"""Fine-grained localization: does the map stay on a trigger one pixel thin?"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from peephole.leaderboard.base import METRICS, MapMetric, Probes, Scored, Truth
from peephole.leaderboard.mass_share import mass_share
from peephole.leaderboard.per_picture import per_picture


@METRICS.register
class FineGrained(MapMetric):
    """Share of the relevance within a narrow band around a thin trigger.

    Formula: sum(M2 R+) / sum(R+), M2 the band around the trigger's lines. With several targets, the mean over them.

    Range: 0 to 1. The oracle, R = M2, scores 1.

    Chance: (mask area) / (picture area), the exact expected score of a map of i.i.d. uniform(0,1) pixels (derived in
    `mass_share`).

    Direction: higher is better.

    Invalid: a map with sum(R+) = 0; the picture scores chance.

    Source: P1, section 3.3; R+ for R as in `class_sensitivity`.
    """

    title: ClassVar[str] = "Fine-grained localization"
    formula: ClassVar[str] = "sum(M2 R+) / sum(R+)"
    source: ClassVar[str] = "Delve into the layer choice of BP-based attribution explanations, 3.3"
    core: ClassVar[bool] = True
    truth: ClassVar[Truth] = "mask"

    def score(self, relevance: Tensor, probes: Probes) -> Scored:
        """Score signed maps ``[N,T,H,W]``.

        Raises:
            PeepholeError: maps and masks that do not fit (see `mass_share`).
        """
        return per_picture(*mass_share(relevance, probes))
