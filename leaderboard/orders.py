"""The order in which a map gives its pixels to be exchanged."""

from __future__ import annotations

import torch
from torch import Tensor

from peephole.errors import PeepholeError
from peephole.leaderboard.base import Probes
from peephole.leaderboard.counters import uniform
from peephole.leaderboard.ranks import ascending
from peephole.leaderboard.relevance import positive, require_shape

STREAM = 1 << 33
"""The stream of the random order of equal pixels."""


def most_relevant_first(relevance: Tensor, probes: Probes) -> tuple[Tensor, Tensor]:
    """The pixels of each picture from the highest R+ down.

    Equal pixels (see `ranks`) come in a random order of the picture's own, the same for every map of it: no place in
    the picture is preferred, and no score depends on the batch. Pixels without positive relevance are equal.

    Args:
        relevance: signed maps ``[N,1,H,W]``.
        probes: with one target a picture.

    Returns:
        ``(order, valid)``: the pixels, int64 ``[N,H*W]``, and bool ``[N]``, False where sum(R+) = 0. Both on the device
        of the pictures.

    Raises:
        PeepholeError: there are several targets, shapes differ, or a map is not finite.
    """
    require_shape(relevance, probes.truth)
    targets = relevance.shape[1]
    if targets != 1:
        raise PeepholeError(
            f"the probes have {targets} targets, expected 1, as pixels can be exchanged for one decision only; "
            "use a trigger with one label"
        )
    energy = positive(relevance.to(probes.image.device))
    # Shuffle all pixels, then sort so that equal ones stay as they are.
    numbers = probes.numbers.to(energy.device)
    shuffle, _ = ascending(uniform(numbers, energy.shape[2:].numel(), STREAM).view(energy.shape))
    shuffled = energy.flatten(2).gather(2, shuffle).view(energy.shape)
    order = shuffle.gather(2, ascending(shuffled)[0])
    return order[:, 0].flip(1), energy.amax(dim=(1, 2, 3)) > 0


def places(order: Tensor) -> Tensor:
    """Where in the order each pixel stands, 0 the first: int32 ``[N,P]`` for int64 ``[N,P]``."""
    first = torch.arange(order.shape[1], dtype=torch.int32, device=order.device).expand_as(order)
    return torch.empty_like(first, memory_format=torch.contiguous_format).scatter_(1, order, first)
