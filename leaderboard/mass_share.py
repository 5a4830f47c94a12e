"""How much of a map's positive relevance lies in the truth mask: the quantity behind several metrics."""

from __future__ import annotations

import torch
from torch import Tensor

from peephole.leaderboard.base import Probes
from peephole.leaderboard.relevance import positive, truth_mask, unit_peak


def mass_share(relevance: Tensor, probes: Probes) -> tuple[Tensor, Tensor, Tensor]:
    """Share of the positive relevance that lies in the mask, sum(M R+) / sum(R+).

    Chance: the pixels of a map of i.i.d. uniform(0,1) values U_1..U_P are exchangeable, so each has the expected
    share E[U_i / sum(U)] = 1/P, and a mask of m pixels has the expected share m/P, exactly.

    Args:
        relevance: floating point ``[N,T,H,W]``, signed.
        probes: with masks ``[N,T,H,W]``.

    Returns:
        ``(share, chance, valid)``, each ``[N,T]``: float64 in [0,1], float64 in (0,1), and bool, False where
        sum(R+) = 0; the share is 0 there.

    Raises:
        PeepholeError: there is no mask, shapes differ, a map is not finite, a mask is empty or covers the picture.
    """
    inside, pixels = truth_mask(relevance, probes, outside=True)
    share, valid = share_inside(relevance, inside)
    return share, pixels / relevance.shape[2:].numel(), valid


def share_inside(relevance: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
    """Share of the positive relevance of each map in a region of its own, and whether there is any at all.

    Args:
        relevance: floating point ``[N,T,H,W]``, signed.
        inside: float64 ``[N,T,H,W]``, 1 in the region and 0 elsewhere.

    Returns:
        ``(share, valid)``: float64 ``[N,T]`` in [0,1], 0 for a map without positive relevance, which is not valid.

    Raises:
        PeepholeError: a map is not finite.
    """
    energy = unit_peak(positive(relevance))
    total = energy.sum(dim=(2, 3))
    found = (energy * inside).sum(dim=(2, 3))
    valid = total > 0
    return found / torch.where(valid, total, torch.ones_like(total)), valid
