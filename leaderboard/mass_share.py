"""How much of a map's positive relevance lies in the truth mask: the quantity behind several metrics."""

from __future__ import annotations

import torch
from torch import Tensor

from peephole.errors import PeepholeError
from peephole.leaderboard.relevance import positive, truth_mask, unit_peak


def mass_share(relevance: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Share of the positive relevance that lies in the mask, sum(M R+) / sum(R+).

    Chance: the pixels of a map of i.i.d. uniform(0,1) values U_1..U_P are exchangeable, so each has the expected
    share E[U_i / sum(U)] = 1/P, and a mask of m pixels has the expected share m/P, exactly.

    Args:
        relevance: floating point ``[N,T,H,W]``, signed.
        mask: bool ``[N,T,H,W]``.

    Returns:
        ``(share, chance, valid)``, each ``[N,T]``: float64 in [0,1], float64 in (0,1), and bool, False where
        sum(R+) = 0; the share is 0 there.

    Raises:
        PeepholeError: shapes differ, a map is not finite, a mask is empty or covers the whole picture.
    """
    mask = truth_mask(relevance, mask)
    chance = mask.to(torch.float64).mean(dim=(2, 3))
    if bool((chance == 1).any()):
        raise PeepholeError(
            "a truth mask covers the whole picture, expected a part of it; there is nothing to locate, leave it out"
        )
    energy = unit_peak(positive(relevance))
    total = energy.sum(dim=(2, 3))
    inside = energy.masked_fill(~mask, 0.0).sum(dim=(2, 3))
    valid = total > 0
    return inside / torch.where(valid, total, torch.ones_like(total)), chance, valid
