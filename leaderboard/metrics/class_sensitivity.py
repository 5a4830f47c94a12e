"""Class sensitivity: does the map for each label point at that label's trigger?"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from peephole.errors import PeepholeError
from peephole.leaderboard.base import METRICS, MapMetric, Probes, Scored, Truth
from peephole.leaderboard.mass_share import mass_share
from peephole.leaderboard.per_picture import per_picture


@METRICS.register
class ClassSensitivity(MapMetric):
    """Share of each label's relevance around that label's trigger, both triggers being in the picture.

    Formula: 1/2 (sum(M0 R0+) / sum(R0+) + sum(M1 R1+) / sum(R1+)), R0 the map for label 0 and M0 the corner of its
    trigger, R1 and M1 likewise for label 1.

    Range: 0 to 1. The oracle, R0 = M0 and R1 = M1, scores 1.

    Chance: the mean over the two targets of (mask area) / (picture area), the exact expected score of maps of i.i.d.
    uniform(0,1) pixels (derived in `mass_share`); about .18 for 96-wide corners of a 224-wide picture. A map that
    ignores the label can score 1/2 by pointing at both corners alike.

    Direction: higher is better.

    Invalid: a picture of which either map has sum(R+) = 0; it scores chance.

    Source: P1, section 3.2. P1 sums R without saying that it is positive; since section 5 defines the map after a
    ReLU, R+ it is, without which a share can be any number.
    """

    title: ClassVar[str] = "Class sensitivity"
    formula: ClassVar[str] = "1/2 (sum(M0 R0+) / sum(R0+) + sum(M1 R1+) / sum(R1+))"
    source: ClassVar[str] = "Delve into the layer choice of BP-based attribution explanations, 3.2"
    core: ClassVar[bool] = True
    truth: ClassVar[Truth] = "mask"

    def score(self, relevance: Tensor, probes: Probes) -> Scored:
        """Score signed maps ``[N,2,H,W]``.

        Raises:
            PeepholeError: not two targets, or maps and masks that do not fit (see `mass_share`).
        """
        targets = probes.target.shape[1]
        if targets != 2:
            raise PeepholeError(
                f"class_sensitivity got probes of {targets} target(s), expected 2; use a trigger with two labels"
            )
        return per_picture(*mass_share(relevance, probes))
