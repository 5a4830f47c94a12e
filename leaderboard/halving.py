"""Curves of yes and no, looked at more closely where the answer changes."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Ask = Callable[[Tensor, Tensor], Tensor]
"""Answers bool ``[N,Q]`` at knots int64 ``[N,Q]``, for the cells that bool ``[N,Q]`` marks; anything elsewhere."""


def halved(knots: Tensor, says: Tensor, ask: Ask, times: int) -> tuple[Tensor, Tensor]:
    """Ask at the middle of each segment whose ends differ, then at the middle of the half whose ends differ, and so on.

    A decision that changes once costs one question a time, and where it changes is known 2^times as finely. Segments
    whose ends agree are taken to say the same throughout.

    Args:
        knots: int64 ``[N,Q]``, ascending, some perhaps twice.
        says: bool ``[N,Q]``, the answers there; equal knots have equal answers, or the last of them counts.
        ask: gets the answers in between.
        times: how often.

    Returns:
        Knots int64 ``[N,Q']`` in the same order, some twice, and the answers there.
    """
    for _ in range(times):
        # Of equal knots the last one has the answer.
        apart = (says[:, 1:] != says[:, :-1]) & (knots[:, 1:] - knots[:, :-1] > 1)
        if not bool(apart.any()):
            break
        middle = torch.where(apart, (knots[:, 1:] + knots[:, :-1]) // 2, knots[:, :-1])
        between = torch.where(apart, ask(middle, apart), says[:, :-1])
        # Each middle follows the left end of its segment, so that all stay in order.
        pairs = [torch.stack(both, dim=2).flatten(1) for both in ((knots[:, :-1], middle), (says[:, :-1], between))]
        knots, says = torch.cat([pairs[0], knots[:, -1:]], dim=1), torch.cat([pairs[1], says[:, -1:]], dim=1)
    return knots, says
