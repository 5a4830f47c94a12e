"""A network that owns its normalisation: pictures in [0,1] go in, logits come out."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from peephole.errors import PeepholeError


class Normalise(nn.Module):
    """``(x − mean) / std``, channel by channel: pictures in [0,1] to what the network was trained on.

    Args:
        mean: one number a channel, in [0,1] pixel units.
        std: one positive number a channel.

    Raises:
        PeepholeError: the numbers of channels differ, or a standard deviation is not positive.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        if len(mean) != len(std) or not all(value > 0 for value in std):
            raise PeepholeError(
                f"mean {tuple(mean)} and std {tuple(std)} are no normalisation; give one mean and one positive "
                "standard deviation a channel."
            )
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).view(-1, 1, 1))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).view(-1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``x``: ``[B,C,H,W]`` in [0,1]."""
        return (x - self.mean) / self.std


class Classifier(nn.Module):
    """``network(normalise(x))``. Layers of its canonical graph are named relative to ``network``."""

    def __init__(self, normalise: Normalise, network: nn.Module) -> None:
        super().__init__()
        self.normalise = normalise
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``[B,classes]`` of pictures ``x``: ``[B,C,H,W]`` in [0,1]."""
        logits: Tensor = self.network(self.normalise(x))
        return logits
