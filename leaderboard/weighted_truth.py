"""P1's metrics where each pixel of the truth has a weight: what the network loses without it."""

from __future__ import annotations

import torch
from torch import Tensor

from peephole.leaderboard.base import Scored
from peephole.leaderboard.per_picture import per_picture
from peephole.leaderboard.relevance import positive, require_shape, unit_peak


def weighted_share(relevance: Tensor, weight: Tensor) -> Scored:
    """The share of the relevance that lies in the truth, weighted: sum(w R+) / sum(R+), mean over targets.

    With weights of 0 and 1 it is `fine_grained`, and with two targets `class_sensitivity`. Chance is the mean weight
    (see `mass_share`); a map with sum(R+) = 0 is invalid and scores chance.

    Args:
        relevance: floating point ``[N,T,H,W]``, signed.
        weight: float64 ``[N,T,H,W]`` in [0,1].

    Raises:
        PeepholeError: shapes differ, or a map is not finite.
    """
    require_shape(relevance, weight)
    energy = unit_peak(positive(relevance))
    total = energy.sum(dim=(2, 3))
    valid = total > 0
    share = (energy * weight).sum(dim=(2, 3)) / total.where(valid, 1.0)
    return per_picture(share, weight.mean(dim=(2, 3)), valid)


def weighted_filling(relevance: Tensor, weight: Tensor) -> Scored:
    """The weighted mean of the relevance in the truth, as a fraction of its highest there, mean over targets.

    sum(w R+) / (sum(w) max of R+ where w > 0); with weights of 0 and 1 it is `completeness`. Chance is (n + 1) / (2n)
    where n pixels have a weight, since each of them has the same expected fraction, whatever it weighs. A map with
    sum(R+) = 0 is invalid and scores chance, as does every map where nothing has a weight.

    Args:
        relevance: floating point ``[N,T,H,W]``, signed.
        weight: float64 ``[N,T,H,W]`` in [0,1].

    Raises:
        PeepholeError: shapes differ, or a map is not finite.
    """
    require_shape(relevance, weight)
    energy, some = positive(relevance), weight > 0
    count = some.double().sum(dim=(2, 3))
    valid = (energy.amax(dim=(2, 3)) > 0) & (count > 0)
    # The peak of the truth, not of the map: relevance elsewhere must not push it below the smallest number.
    within = unit_peak(energy * some)
    mean = (within * weight).sum(dim=(2, 3)) / weight.sum(dim=(2, 3)).where(count > 0, 1.0)
    return per_picture(mean, (count + 1.0) / (2 * count.clamp(min=1)), valid)


def pixel_weights(mask: Tensor, nearest: Tensor, lost: Tensor) -> Tensor:
    """The weight of each pixel of a truth mask.

    Args:
        mask: bool ``[N,T,H,W]``, the truth mask.
        nearest: int64 ``[N,T,H,W]``, the cell of the mark that is nearest to each pixel.
        lost: float64 ``[T,C]``, what the attack's success loses without each cell; NaN for cells that no mark fills.

    Returns:
        float64 ``[N,T,H,W]``: the loss, at least 0, over the target's largest; 0 outside the mask, and everywhere for a
        target of which no cell costs anything.
    """
    cost = lost.nan_to_num(nan=0.0).clamp(min=0)
    largest = cost.amax(dim=1, keepdim=True)
    share = cost / largest.where(largest > 0, 1.0)
    pixels = torch.stack([share[target][nearest[:, target]] for target in range(len(share))], dim=1)
    return pixels * mask
