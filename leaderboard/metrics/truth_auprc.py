"""Truth AUPRC: are the pixels of the trigger those that rank highest?"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from peephole.leaderboard.base import METRICS, MapMetric, Probes, Scored, Truth
from peephole.leaderboard.per_picture import per_picture
from peephole.leaderboard.ranks import ascending
from peephole.leaderboard.relevance import positive, truth_mask


@METRICS.register
class TruthAuprc(MapMetric):
    """Average precision of the map as a detector of the trigger's pixels: the area under precision over recall.

    Formula: sum over the distinct values of R+, from the highest down, of (recall - recall before) precision, where
    the pixels of at least that value are those found. Equal pixels (see `ranks`) are found together, so that no order
    among them is made up; all pixels without positive relevance come last. With several targets, the mean over them.

    Range: above 0 to 1. The oracle, or any map that is higher on every pixel of the mask than elsewhere, scores 1; a
    map that is even over the picture, (mask area) / (picture area). Only the order of the pixels counts.

    Chance: (H + (m - 1) / (P - 1) (P - H)) / P for m of P pixels in the mask and H = 1 + 1/2 + ... + 1/P, the exact
    expected score of a map of i.i.d. continuous pixels. Without ties, it is 1/m times the sum over places i of
    [the pixel at i is in the mask] (mask pixels among the first i) / i. All orders are equally likely: a place is in
    the mask with probability m/P, and two places both are with (m/P) (m - 1) / (P - 1). So place i is expected to add
    (m/P) (1 + (i - 1) (m - 1) / (P - 1)) / i; sum it over i, using (i - 1) / i = 1 - 1/i, and divide by m. It lies a
    little above m/P, by what luck at the first few places is worth.

    Direction: higher is better.

    Invalid: a map with sum(R+) = 0; the picture scores chance.

    Source: ours, after the usual estimator of the area under the precision-recall curve, without interpolation.
    """

    title: ClassVar[str] = "Truth AUPRC"
    formula: ClassVar[str] = "sum_k (recall_k - recall_(k-1)) precision_k over the distinct values of R+, highest first"
    source: ClassVar[str] = "Peephole; average precision as in Davis and Goadrich, ICML 2006, without interpolation"
    truth: ClassVar[Truth] = "mask"

    def score(self, relevance: Tensor, probes: Probes) -> Scored:
        """Score signed maps ``[N,T,H,W]``.

        Raises:
            PeepholeError: there is no mask, shapes differ, a map is not finite, a mask is empty or covers the picture.
        """
        inside, in_mask = truth_mask(relevance, probes, outside=True)
        energy = positive(relevance)
        order, first = ascending(energy)
        hit = inside.flatten(2).gather(2, order)
        below = (hit.cumsum(dim=2) - hit).gather(2, first)  # mask pixels of lower relevance
        precision = (in_mask.unsqueeze(2) - below) / (order.shape[2] - first)
        # The rise of recall at a value is its share of the mask's pixels: each of them brings its value's precision.
        value = (precision * hit).sum(dim=2) / in_mask
        return per_picture(value, _chance(in_mask, order.shape[2]), energy.amax(dim=(2, 3)) > 0)


def _chance(in_mask: Tensor, pixels: int) -> Tensor:
    """The expected score of i.i.d. continuous pixels."""
    harmonic = (1 / torch.arange(1, pixels + 1, dtype=torch.float64)).sum().item()
    return (harmonic + (in_mask - 1) / (pixels - 1) * (pixels - harmonic)) / pixels
