"""A network with a module of its own at each layer, for libraries that hook or replace the layer's module."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from peephole.attributions.canonical import Canonical


class Tapped(nn.Module):
    """A canonical graph with an identity behind each of the given layers.

    What is hooked at the identity is the layer's output. It may be replaced, too, which a graph's own modules may not:
    the graph calls its sites, whatever stands at their paths. Hooks left behind go away with it.

    Args:
        model: the canonical graph.
        layers: cut points, from the picture up.
    """

    def __init__(self, model: Canonical, layers: list[str]) -> None:
        super().__init__()
        self.model = model
        self.layers = layers
        self.taps = nn.ModuleList(nn.Identity() for _ in layers)
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``[B,classes]``. Where gradients are on, they reach down to the lowest layer at least."""
        value, after = x, None
        for layer, tap in zip(self.layers, self.taps, strict=True):
            value = self.model.run(value, after=after, until=layer)[0]
            if torch.is_grad_enabled() and not value.requires_grad:
                value = value.detach().requires_grad_()
            value, after = tap(value), layer
        logits: Tensor = self.model.run(value, after=after)[0]
        return logits
