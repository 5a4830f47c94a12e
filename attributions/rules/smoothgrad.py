"""SmoothGrad (Smilkov et al. 2017), at a layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from peephole.attributions.above import gradient_above, variants
from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.rule import Rule

if TYPE_CHECKING:
    from peephole.attributions.question import Question


@ATTRIBUTIONS.register
@dataclass(frozen=True)
class SmoothGrad(Rule):
    """The mean gradient around the activation: ``1/n Σ_s ∂f_k/∂A (A + σ ε_s)``, ``ε_s`` standard normal; ``[B,c,h,w]``.

    Only the part of the network above the layer runs. ``σ = noise · (max A − min A)``, of each picture by itself, as
    the authors' code (PAIR) has it: 25 samples, noise .15. Others: FullGrad's code 100 / .15, RectGrad's 50 / .1,
    Zennit 20 / .1, Captum 5 / 1.0 absolute. The noise is drawn from ``seed`` alone and is the same
    for all pictures, so a map does not depend on the batch.

    Attributes:
        samples: n.
        noise: σ as a share of the activation's range.
        squared: the mean of the squared gradients, as PAIR's code does unless told otherwise.
        seed: of the noise.
    """

    title: ClassVar[str] = "SmoothGrad"
    source: ClassVar[str] = (
        "Smilkov, Thorat, Kim, Viégas, Wattenberg. SmoothGrad: removing noise by adding noise. arXiv:1706.03825, 2017."
    )

    samples: Annotated[int, Field(ge=1)] = 25
    noise: Annotated[float, Field(ge=0)] = 0.15
    squared: bool = False
    seed: int = 0

    def explain(self, question: Question, layers: Sequence[str]) -> dict[str, Tensor]:
        """The map of every layer, each from passes of its own."""
        return {layer: self._at(question, layer) for layer in layers}

    def _at(self, question: Question, layer: str) -> Tensor:
        model, activation = question.graph(folded=True), question.state(layer)
        low, high = (extreme(activation.flatten(1), 1) for extreme in (torch.amin, torch.amax))
        sigma = (self.noise * (high - low)).reshape(-1, *[1] * (activation.ndim - 1))
        generator = torch.Generator().manual_seed(self.seed)
        total = torch.zeros_like(activation)
        for some in torch.arange(self.samples).split(variants(question.x)):
            # One by one: what a generator gives depends on how much it is asked for at once.
            draws = [torch.randn(activation.shape[1:], generator=generator) for _ in some]
            noise = torch.stack(draws)[:, None].to(activation)
            values = (activation + sigma * noise).flatten(0, 1)
            gradient = gradient_above(model, layer, values, question.target.repeat(len(some)))
            gradient = gradient.unflatten(0, (len(some), -1))
            total += (gradient.square() if self.squared else gradient).sum(0)
        return model.picture(layer, total / self.samples)
