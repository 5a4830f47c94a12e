"""What the network says of pictures of which pixel after pixel is exchanged."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from peephole.leaderboard.examined import Examined
from peephole.leaderboard.orders import places


@dataclass(frozen=True)
class Exchange:
    """N pictures that turn, pixel after pixel, into others. A pixel is exchanged in all channels at once.

    Attributes:
        examined: the network that is asked.
        before: float32 ``[N,C,H,W]``, the pictures at the beginning.
        after: float32 ``[N,C,H,W]``, or ``[1,C,H,W]`` for one that all of them turn into.
        order: int64 ``[N,P]``, the P = H*W pixels, the first to be exchanged first.
        target: int64 ``[N]``, the label that is asked for.
    """

    examined: Examined
    before: Tensor
    after: Tensor
    order: Tensor
    target: Tensor

    def says_target(self, exchanged: Tensor, asked: Tensor) -> Tensor:
        """Whether the network decides for the target.

        The pictures in between are made when they are shown, `Examined.batch` at a time: however many are asked for,
        no more of them exist at once.

        Args:
            exchanged: int64 ``[N,Q]``, how many pixels are.
            asked: bool ``[N,Q]``, the cells that are worth a pass of the network.

        Returns:
            bool ``[N,Q]``; False where it was not asked.
        """
        says = torch.zeros_like(asked)
        place, count = places(self.order), exchanged.int()
        before, after = self.before.flatten(2), self.after.flatten(2).expand(len(self.before), -1, -1)
        for cells in asked.nonzero().split(self.examined.batch):
            picture, column = cells.unbind(dim=1)
            turned = place.index_select(0, picture) < count[picture, column, None]
            # Like `where`, but many times faster on a processor; at weights 0 and 1 it gives just the one or the other.
            shown = before.index_select(0, picture).lerp_(after.index_select(0, picture), turned.float()[:, None])
            decisions = self.examined.decisions(shown.view(-1, *self.before.shape[1:]))
            says[picture, column] = decisions == self.target[picture]
        return says
