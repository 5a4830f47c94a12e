"""Where marks and masks lie, as boolean pictures."""

from __future__ import annotations

import torch
from torch import Tensor

from peephole.errors import PeepholeError
from peephole.triggers.lengths import check_length


def check_side(x: Tensor) -> int:
    """The common height and width of pictures ``[B,C,H,W]``.

    Raises:
        PeepholeError: the pictures are not square, or too small for a mark and its mask to differ.
    """
    if x.ndim != 4 or x.shape[-1] != x.shape[-2]:
        raise PeepholeError(
            f"triggers are stamped on square pictures [B,C,S,S], not {list(x.shape)}; crop the pictures first."
        )
    side = int(x.shape[-1])
    check_length(side)
    return side


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
