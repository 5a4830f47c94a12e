"""What is minimised: the loss of a network on a batch, poisoned or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, Tensor, nn

from peephole.attacks.poison import Poison
from peephole.memory_layout import arranged


class Objective(nn.Module):
    """A network and the trigger it is trained on in one module, so that several devices agree on all gradients.

    Args:
        network: takes float32 ``[B,C,H,W]`` in [0,1], gives logits.
        poison: what is stamped, if anything.
        label_smoothing: of the cross entropy.
        compiled: whether the network is compiled by torch.
        channels_last: whether the network gets pictures with their channels last in memory.
    """

    def __init__(
        self,
        network: nn.Module,
        poison: Poison | None,
        label_smoothing: float,
        *,
        compiled: bool,
        channels_last: bool,
    ) -> None:
        super().__init__()
        self.network = network
        self.stamper = poison.stamper if poison else None
        self._poison = poison
        self._channels_last = channels_last
        self._criterion = nn.CrossEntropyLoss(label_smoothing=label_smoothing)
        # A compiled network is the same parameters in another module: it must not be registered beside the first.
        self._call: tuple[Callable[[Tensor], Any]] = (torch.compile(network) if compiled else network,)

    def forward(self, x: Tensor, label: Tensor, part: Tensor | None, generator: Generator) -> Tensor:
        """The loss on pictures ``x`` in [0,1] with labels int64 ``[B]``; ``part`` and ``generator`` as of `Poison`."""
        penalty = None
        if self._poison is not None and part is not None:
            x, label, penalty = self._poison.apply(x, label, part, generator)
        logits = self._call[0](arranged(x, channels_last=self._channels_last))
        loss: Tensor = self._criterion(logits, label)
        if self.stamper is not None:
            # Several devices wait for the gradient of every weight, also where a batch has nothing to stamp.
            loss = loss + sum((0 * weight.sum() for weight in self.stamper.learnt()), start=torch.zeros_like(loss))
        return loss if penalty is None else loss + penalty


class Preparation(nn.Module):
    """The loss of what a trigger has to learn from clean pictures before anything is stamped."""

    def __init__(self, poison: Poison) -> None:
        super().__init__()
        self.stamper = poison.stamper

    def forward(self, x: Tensor, label: Tensor, part: Tensor | None, generator: Generator) -> Tensor:
        """The loss on pictures ``x`` in [0,1]; nothing else counts."""
        return self.stamper.preparation_loss(x)
