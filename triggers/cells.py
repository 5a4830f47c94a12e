"""Cutting triggers into cells: how a part of a trigger is taken away, whatever its shape."""

from __future__ import annotations

import torch
from torch import Tensor

OUTSIDE = -1


def cells(support: Tensor, grid: int) -> Tensor:
    """The cell of each pixel, in a grid over the smallest box around each picture's support.

    Args:
        support: bool ``[B,H,W]``, the pixels that a trigger covers.
        grid: cells a side; a box of fewer pixels has empty cells.

    Returns:
        int64 ``[B,H,W]``: cells are numbered row by row from 0 to ``grid² − 1``; `OUTSIDE` where there is no support.
    """
    row = _places(support.any(2), grid)
    column = _places(support.any(1), grid)
    return torch.where(support, row[:, :, None] * grid + column[:, None, :], OUTSIDE)


def _places(taken: Tensor, grid: int) -> Tensor:
    """Which of ``grid`` equal parts of the span of True each place of ``[B,L]`` lies in."""
    length = taken.shape[1]
    place = torch.arange(length, device=taken.device)
    first = taken.int().argmax(1, keepdim=True)
    last = length - 1 - taken.flip(1).int().argmax(1, keepdim=True)
    return ((place - first) * grid // (last - first + 1)).clamp(0, grid - 1)
