"""FullGrad (Srinivas & Fleuret 2019), at any layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import torch
import torch.nn.functional as F
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.rule import Rule
from peephole.attributions.way import one_hot

if TYPE_CHECKING:
    from peephole.attributions.question import Question


SPATIAL: tuple[type[nn.Module], ...] = (nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d)
"""The modules whose biases have places in the picture."""


@ATTRIBUTIONS.register
@dataclass(frozen=True)
class FullGrad(Rule):
    """``Σ_c ψ(A ⊙ g) + Σ_b up(Σ_c ψ(b ⊙ g_b))``: the gradient at the layer times its activation, and at every bias
    above it times the bias; ``[B,1,h,w]``, nowhere negative.

    ``ψ`` takes absolute values and brings them to [0,1] over channels and places of one picture together, ``up``
    enlarges bilinearly with aligned corners: so the authors' code. Biases are those of convolutions and, of a
    batch normalisation, ``β − μγ/√(σ²+ε)``, each by itself; those of linear modules have no place in the picture and
    are left out of the map. At ``input`` it is the authors' method; at a layer, the same for the part above it.
    Without ``ψ`` all terms, linear biases included, sum to the logit.
    """

    title: ClassVar[str] = "FullGrad"
    source: ClassVar[str] = (
        "Srinivas, Fleuret. Full-gradient representation for neural network visualization. NeurIPS 2019."
    )

    def explain(self, question: Question, layers: Sequence[str]) -> dict[str, Tensor]:
        """One forward and one backward pass for all layers together."""
        tape = question.tape(folded=False)
        model = tape.model
        biases = {
            step.site.output: (step.position, bias_of(step.site.module))
            for step in tape.steps
            if isinstance(step.site.module, SPATIAL)
        }
        terms: list[tuple[int, Tensor]] = []

        def collect(value: int, signal: Tensor) -> Tensor:
            position, bias = biases.get(value, (0, None))
            if bias is not None and signal.ndim == 4:
                terms.append((position, standardised(bias[:, None, None] * signal).sum(1, keepdim=True)))
            return signal

        values = {model.cut(layer).value: layer for layer in layers}
        found = tape.back(one_hot(tape.logits, question.target), lambda step: None, keep=values, change=collect)
        maps = {}
        for layer in layers:
            activation = tape.activation(layer)
            gradient = found.get(model.cut(layer).value, torch.zeros_like(activation))
            total = standardised(activation * gradient).sum(1, keepdim=True)
            for position, term in terms:
                if position >= model.depth(layer):
                    total = total + F.interpolate(term, total.shape[2:], mode="bilinear", align_corners=True)
            maps[layer] = total
        return maps


def bias_of(module: nn.Module) -> Tensor | None:
    """What a convolution, a linear module or a batch normalisation adds, ``[channels]``; None if nothing."""
    if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.running_mean is not None:
        assert module.running_var is not None
        scale = (module.running_var + module.eps).rsqrt()
        if module.weight is not None:
            scale = scale * module.weight
        shift = -module.running_mean * scale
        return shift if module.bias is None else shift + module.bias
    if isinstance(module, nn.Linear | nn.modules.conv._ConvNd):
        return module.bias
    return None


def standardised(values: Tensor) -> Tensor:
    """``|values|`` of each picture, shifted and scaled to [0,1]."""
    values = values.abs()
    values = values - values.amin((1, 2, 3), keepdim=True)
    return values / (values.amax((1, 2, 3), keepdim=True) + 1e-6)
