"""Random numbers by counting: each is a function of where it is used, whatever batch or device it is drawn in."""

from __future__ import annotations

import torch
from torch import Tensor

_MASK = {shift: (1 << (64 - shift)) - 1 for shift in (27, 30, 31, 11)}


def uniform(number: Tensor, count: int, stream: int) -> Tensor:
    """Uniform random numbers in [0,1).

    SplitMix64 (Steele, Lea, Flood 2014), its state being a counter that is made of the three arguments.

    Args:
        number: int64 ``[N]``, whose numbers they are, for example a picture's place.
        count: how many each has, fewer than 2^24.
        stream: other streams give independent numbers.

    Returns:
        float64 ``[N,count]`` on the device of ``number``.
    """
    place = torch.arange(count, device=number.device)
    begin = _mixed(_mixed(number.new_tensor([stream])) + number)
    return ((_mixed(begin[:, None] + place) >> 11) & _MASK[11]).double() / 2**53


def _mixed(state: Tensor) -> Tensor:
    """SplitMix64's output for a counter; integers wrap around."""
    z = (state + 1) * -7046029254386353131
    z = (z ^ ((z >> 30) & _MASK[30])) * -4658895280553007687
    z = (z ^ ((z >> 27) & _MASK[27])) * -7723592293110705685
    return z ^ ((z >> 31) & _MASK[31])
