"""Energy-based pointing game: does the map stay within the trigger's bounding box?"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from torch import Tensor

from peephole.leaderboard.base import METRICS, MapMetric, Probes, Scored, Truth
from peephole.leaderboard.mass_share import share_inside
from peephole.leaderboard.per_picture import per_picture
from peephole.leaderboard.relevance import truth_mask

LARGEST = 0.5
"""The largest share of the picture that a box may have."""


@METRICS.register
class Ebpg(MapMetric):
    """Share of the relevance within the bounding box of the truth mask.

    Formula: sum(B R+) / sum(R+), B the smallest upright box that holds the mask. With several targets, the mean over
    them. Pictures of which a box covers more than half are left out, as where the object fills the picture there is
    nothing to point at; exactly half stays.

    Range: 0 to 1. The oracle, or any map that stays in the box, scores 1, so it says less than `fine_grained` of a
    trigger that does not fill its box.

    Chance: (box area) / (picture area), the exact expected score of a map of i.i.d. uniform(0,1) pixels (derived in
    `mass_share`).

    Direction: higher is better.

    Invalid: a map with sum(R+) = 0; the picture scores chance.

    Source: Wang et al. 2020, Score-CAM, section 4.3, there with object boxes; P1, appendix A.3, in the same way. R+
    for R as in `class_sensitivity`: without it a share can be any number, and official code that scales a map to [0,1]
    first turns its background into relevance.
    """

    title: ClassVar[str] = "Energy-based pointing game"
    formula: ClassVar[str] = "sum(B R+) / sum(R+), B the bounding box of the mask"
    source: ClassVar[str] = "Wang et al., Score-CAM, CVPR Workshops 2020, arXiv:1910.01279"
    truth: ClassVar[Truth] = "mask"

    def score(self, relevance: Tensor, probes: Probes) -> Scored:
        """Score signed maps ``[N,T,H,W]``.

        Raises:
            PeepholeError: there is no mask, shapes differ, a map is not finite, or a mask is empty.
        """
        inside, _ = truth_mask(relevance, probes)
        box = bounding_box(inside)
        area = box.mean(dim=(2, 3))
        share, valid = share_inside(relevance, box)
        return replace(per_picture(share, area, valid), scored=(area <= LARGEST).all(dim=1))


def bounding_box(inside: Tensor) -> Tensor:
    """The smallest upright box around what is 1, as a mask: ``[N,T,H,W]`` of zeros and ones in and out."""
    rows, columns = inside.amax(dim=3), inside.amax(dim=2)
    return _between(rows).unsqueeze(3) * _between(columns).unsqueeze(2)


def _between(line: Tensor) -> Tensor:
    """1 from the first to the last 1 of each line ``[N,T,L]``."""
    return line.cummax(dim=2).values * line.flip(2).cummax(dim=2).values.flip(2)
