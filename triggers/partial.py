"""Parts of a trigger: some of its quarters put on, the others left away."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from peephole.triggers.base import Stamped
from peephole.triggers.cells import cells

HALVES = 2
"""Cells a side: quarters."""


def partly(x: Tensor, stamped: Stamped, generator: Generator) -> Tensor:
    """The stamped pictures with at least one quarter of the mark restored, and at least one left.

    Which ones is drawn for each picture, all choices being equally likely.

    Args:
        x: float32 ``[B,C,H,W]``, without the trigger.
        stamped: the same pictures with one mark each.
        generator: on the CPU.

    Returns:
        float32 ``[B,C,H,W]``.
    """
    quarters = HALVES * HALVES
    choice = torch.randint(1, 2**quarters - 1, (len(x), 1), generator=generator)
    kept = (choice >> torch.arange(quarters) & 1).bool().to(x.device)
    cell = cells(stamped.exact[:, 0], HALVES)
    stays = kept.gather(1, cell.clamp(min=0).flatten(1)).view_as(cell) & (cell >= 0)
    return torch.where(stays[:, None], stamped.image, x)
