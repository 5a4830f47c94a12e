"""What is timed: the network, the pictures, a task on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from peephole.attributions.canonical import Canonical
from peephole.attributions.classifier import Classifier, Normalise
from peephole.attributions.graph import canonicalise
from peephole.models.base import MODELS

Run = Callable[[Tensor, Tensor, Sequence[str]], object]
"""Maps of pictures ``[B,C,H,W]`` for labels ``[B]`` at some layers."""


@dataclass(frozen=True)
class Task:
    """A way to get the maps of a rule.

    Attributes:
        rule: the name of our rule.
        title: how the line is called.
        run: the work.
        layers: where.
        slow: so many passes that a few pictures must do.
        peer: another library's.
    """

    rule: str
    title: str
    run: Run
    layers: tuple[str, ...]
    slow: bool = False
    peer: bool = False


@dataclass(frozen=True, eq=False)
class Bench:
    """A ResNet-18 for small pictures, its canonical graph, and random pictures."""

    model: nn.Module
    canonical: Canonical
    x: Tensor
    target: Tensor

    @classmethod
    def of(cls, batch: int, device: torch.device) -> Bench:
        """The same network and pictures every time."""
        torch.manual_seed(0)
        network = MODELS["resnet18"]().build(10)
        model = Classifier(Normalise((0.49, 0.48, 0.45), (0.25, 0.24, 0.26)), network).to(device).eval()
        x = torch.rand(batch, 3, 32, 32, device=device)
        return cls(model.requires_grad_(False), canonicalise(model), x, torch.randint(10, (batch,), device=device))

    def plain(self) -> None:
        """One forward pass and the gradient at the pictures, as one would write it without any library."""
        x = self.x.clone().requires_grad_()
        torch.autograd.grad(self.model(x).gather(1, self.target[:, None]).sum(), x)
