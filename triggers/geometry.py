"""Where marks and masks lie, as boolean pictures."""

from __future__ import annotations

import torch
from torch import Tensor

from peephole.errors import PeepholeError
from peephole.triggers.lengths import BAND, MARK, SMALLEST_BAND, scaled


def check_pictures(x: Tensor, side: int) -> None:
    """Refuse pictures that are not ``[B,3,side,side]``.

    Raises:
        PeepholeError: they are not.
    """
    if x.ndim != 4 or x.shape[1:] != (3, side, side):
        raise PeepholeError(
            f"this trigger is for pictures [B,3,{side},{side}], not {list(x.shape)}; crop the pictures or draw it for "
            "their size."
        )


def top_left(side: int, length: int) -> Tensor:
    """Bool ``[side,side]``: the square of ``length`` pixels in the top left corner."""
    mask = torch.zeros(side, side, dtype=torch.bool)
    mask[:length, :length] = True
    return mask


def bottom_right(mask: Tensor) -> Tensor:
    """The same mask ``[side,side]``, turned into the opposite corner."""
    return mask.flip(0, 1)


def diagonals(side: int, length: int, width: int = 1) -> Tensor:
    """Bool ``[side,side]``: both diagonals of the top left square of ``length`` pixels, ``width`` pixels wide.

    A pixel belongs to a diagonal if it lies at most ``width // 2`` columns beside it, so that an even width covers
    one column more than asked, evenly; nothing sticks out of the square. P1 writes the second diagonal as
    ``j = 64 − i``, which misses the corner ``(0, 63)`` and has one pixel too few; ours is ``j = 63 − i``.
    """
    row, column = torch.meshgrid(torch.arange(length), torch.arange(length), indexing="ij")
    reach = width // 2
    band = ((column - row).abs() <= reach) | ((column + row - (length - 1)).abs() <= reach)
    mask = torch.zeros(side, side, dtype=torch.bool)
    mask[:length, :length] = band
    return mask


def thin_x(side: int) -> Tensor:
    """Bool ``[side,side]``: P1's X, one pixel wide."""
    return diagonals(side, scaled(MARK, side))


def broad_x(side: int) -> Tensor:
    """Bool ``[side,side]``: the same X as a band, 16 wide at 224 and never under 3."""
    return diagonals(side, scaled(MARK, side), scaled(BAND, side, SMALLEST_BAND))
