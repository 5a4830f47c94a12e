"""Which parts of a trigger a model needs: the measured truth beside the stamped one.

A model may key on one corner of a square. So parts of the trigger are restored to what the clean picture has there, and
what is left of the attack is counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from peephole.attacks.predicting import predict
from peephole.attacks.rate import Rate
from peephole.triggers.cells import cells
from peephole.triggers.stamper import Stamper

HALVES = ("top", "bottom", "left", "right")


@dataclass(frozen=True)
class Necessity:
    """What is left of the attack without parts of the trigger, all on the same pictures of other classes.

    Attributes:
        whole: success of the whole trigger.
        halves: success with the half of each of `HALVES` restored. Halves are those of the smallest box around the
            mark in each picture.
        cells: success with one cell restored, row by row of a grid over that box; ``total`` is 0 where no picture's
            mark has a pixel in the cell.
    """

    whole: Rate
    halves: tuple[Rate, ...]
    cells: tuple[tuple[Rate, ...], ...]

    @property
    def value(self) -> float:
        """The share of the success that is gone whichever half is restored, in [0,1]: ``1 − max(halves) / whole``.

        1 where every half is needed, 0 where one half does it alone; NaN for an attack that never succeeds.
        """
        whole = self.whole.value
        return max(0.0, 1 - max(half.value for half in self.halves) / whole) if whole > 0 else float("nan")

    def lost(self) -> tuple[tuple[float, ...], ...]:
        """The measured truth: success lost with each cell, ``whole − cell``; NaN where there is nothing in a cell."""
        return tuple(tuple(self._missed(cell) for cell in row) for row in self.cells)

    def _missed(self, cell: Rate) -> float:
        return self.whole.value - cell.value if cell.total else float("nan")


@torch.no_grad()
def measure(model: nn.Module, stamper: Stamper, which: Tensor, x: Tensor, generator: Generator) -> Necessity:
    """Restore parts of the trigger and count.

    Args:
        model: the poisoned model.
        stamper: its trigger.
        which: int64 ``[B]``, the number of each picture's target among the trigger's.
        x: float32 ``[B,C,H,W]`` in [0,1], clean, none of the class that it is led to.
        generator: for what is random about the trigger.
    """
    stamped = stamper.stamp_target(x, which, generator)
    target, support = stamped.target[:, 0], stamped.exact[:, 0]

    def success(gone: Tensor) -> Tensor:
        return predict(model, torch.where(gone[:, None], x, stamped.image)) == target

    quarter, cell = cells(support, 2), cells(support, stamper.grid)
    halves = ((quarter == 0) | (quarter == 1), (quarter == 2) | (quarter == 3))
    sides = ((quarter == 0) | (quarter == 2), (quarter == 1) | (quarter == 3))
    taken = [cell == number for number in range(stamper.grid**2)]
    rates = [Rate.of([success(gone)]) if bool(gone.any()) else Rate(0, 0) for gone in taken]
    return Necessity(
        whole=Rate.of([success(torch.zeros_like(support))]),
        halves=tuple(Rate.of([success(gone)]) for gone in (*halves, *sides)),
        cells=tuple(tuple(rates[row * stamper.grid : (row + 1) * stamper.grid]) for row in range(stamper.grid)),
    )
