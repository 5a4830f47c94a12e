"""The order of a map's pixels, with ties as ties: what metrics that look at ranks alone are made of.

Two pixels tie if they agree to 36 bits. Maps come in single precision, which has 24, but bringing them
to the picture's resolution leaves rounding errors that would otherwise order pixels that are equal.
"""

from __future__ import annotations

import torch
from torch import Tensor

from peephole.errors import PeepholeError

DROPPED_BITS = 52 - 36
EXPONENTS = 126
"""Binary orders of magnitude below the peak that are told apart; what is smaller ties with zero. With these, the
fraction's bits, one more that rounding up may take, the pixel's number and a sign, a key fills 64 bits."""
PIXEL_BITS = 20
_LARGEST = (1 << PIXEL_BITS) - 1


def ascending(values: Tensor) -> tuple[Tensor, Tensor]:
    """Sort the pixels of each map, lowest first.

    Args:
        values: float64 ``[N,T,H,W]``, finite.

    Returns:
        ``(order, first)``, int64 ``[N,T,H*W]`` each: the pixel at each place, and the first place of its tie group.
        Equal pixels stand in the order of the picture.

    Raises:
        PeepholeError: more than 2^20 pixels.
    """
    pixels = values.shape[2:].numel()
    if pixels > _LARGEST + 1:
        raise PeepholeError(
            f"maps have {pixels} pixels, expected at most {_LARGEST + 1}; make the pictures smaller to score by rank"
        )
    # A non-negative double is ordered as its bits are: an exponent, then the fraction. The value's bits and the
    # pixel's number share one integer, since integers alone sort many times faster than numbers with their places.
    place = torch.arange(pixels, device=values.device)
    values = values.flatten(2)
    keys = values.abs().contiguous().view(torch.int64)
    lowest = (keys.amax(dim=2, keepdim=True) >> 52 << 52) - (EXPONENTS << 52)
    keys.sub_(lowest).clamp_(min=0).add_(1 << (DROPPED_BITS - 1)).bitwise_right_shift_(DROPPED_BITS)
    negative = values < 0
    if bool(negative.any()):
        keys = torch.where(negative, -keys, keys)
    keys = _sort(keys.bitwise_left_shift_(PIXEL_BITS).add_(place))
    begins = torch.zeros_like(keys)
    begins[..., 1:] = place[1:] * ((keys[..., 1:] ^ keys[..., :-1]) >> PIXEL_BITS != 0)
    first = begins.cummax(dim=2).values
    return keys.bitwise_and_(_LARGEST), first


def on_grid(values: Tensor) -> Tensor:
    """Signed maps in whole steps of 2^-36 of their largest magnitude, to be ranked.

    Where positive and negative values were added up, an error is small beside those and not beside what remains: pixels
    that ought to be 0 would be ordered by their rounding errors.

    Args:
        values: float64 ``[N,T,H,W]``, finite.

    Returns:
        float64 of the same shape, whole numbers from -2^36 to 2^36.
    """
    peak = values.abs().amax(dim=(2, 3), keepdim=True)
    return (values / peak.where(peak > 0, 1.0) * 2.0 ** (52 - DROPPED_BITS)).round()


def average_ranks(values: Tensor) -> Tensor:
    """The rank of each pixel in its map, 1 the lowest; tied pixels share the mean of their ranks.

    Args:
        values: as for `ascending`.

    Returns:
        float64 ``[N,T,H,W]``.
    """
    order, first = ascending(values)
    ranks = torch.empty_like(order, dtype=torch.float64).scatter_(2, order, shared_ranks(first))
    return ranks.view(values.shape)


def shared_ranks(first: Tensor) -> Tensor:
    """The mean rank of the tie group at each place, float64, from where the groups begin (see `ascending`)."""
    pixels = first.shape[2]
    # A group ends where the next begins, so that in reverse it is the smallest place that is still to come.
    begins = torch.full_like(first, pixels)
    begins[..., :-1] = torch.where(first[..., 1:] > first[..., :-1], first[..., 1:], pixels)
    end = begins.flip(2).cummin(dim=2).values.flip(2)
    return (first + end + 1).double() / 2


def _sort(keys: Tensor) -> Tensor:
    """Sort the last dimension of distinct integers; on a processor NumPy does so eight times as fast as torch."""
    if keys.device.type != "cpu":
        return keys.sort(dim=-1).values
    keys.numpy().sort(axis=-1)
    return keys
