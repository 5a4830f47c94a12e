"""Completeness: does the map fill the whole trigger, or only its edges?"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from peephole.errors import PeepholeError
from peephole.leaderboard.base import METRICS, MapMetric, Probes, Scored, Truth
from peephole.leaderboard.per_picture import per_picture
from peephole.leaderboard.relevance import positive, truth_mask, unit_peak


@METRICS.register
class Completeness(MapMetric):
    """Mean relevance in the mask as a fraction of the highest relevance in the mask.

    Formula: sum(M3 R+) / (sum(M3) max(M3 R+)). With several targets, the mean over them.

    Range: 0 to 1; above 0 it is at least 1/n for a mask of n pixels. A map that is even over the mask, like the
    oracle, scores 1. So does a map that is even over the whole picture: the metric asks how evenly the trigger is
    filled and never looks outside it, except to tell an empty map.

    Chance: (n + 1) / (2n), the exact expected score of a map of i.i.d. uniform(0,1) pixels. Given their maximum m, the
    other n - 1 pixels of the mask are independent and uniform on (0,m), with mean m/2, so the sum over the maximum is
    expected to be 1 + (n - 1)/2 = (n + 1)/2; divide by n.

    Direction: higher is better.

    Invalid: a map with sum(R+) = 0 over the whole picture; the picture scores chance. A map that has positive relevance
    but none of it in the mask is valid and scores 0.

    Source: P1, section 4.1; R+ for R as in `class_sensitivity`.
    """

    title: ClassVar[str] = "Completeness"
    formula: ClassVar[str] = "sum(M3 R+) / (sum(M3) max(M3 R+))"
    source: ClassVar[str] = "Delve into the layer choice of BP-based attribution explanations, 4.1"
    core: ClassVar[bool] = True
    truth: ClassVar[Truth] = "mask"

    def score(self, relevance: Tensor, probes: Probes) -> Scored:
        """Score signed maps ``[N,T,H,W]``.

        Raises:
            PeepholeError: there is no mask, shapes differ, a map is not finite, or a mask has fewer than two pixels.
        """
        inside, pixels = truth_mask(relevance, probes)
        if bool((pixels < 2).any()):
            raise PeepholeError(
                "a truth mask has one pixel, expected at least two; completeness cannot tell maps apart on one pixel"
            )
        energy = positive(relevance)
        valid = energy.amax(dim=(2, 3)) > 0
        # The peak of the mask, not of the map: relevance elsewhere must not push the mask's below the smallest number.
        within = unit_peak(energy * inside)
        return per_picture(within.sum(dim=(2, 3)) / pixels, (pixels + 1) / (2 * pixels), valid)
