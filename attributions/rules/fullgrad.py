"""FullGrad (Srinivas & Fleuret 2019), at any layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import torch
import torch.nn.functional as F
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.domains import BIASES, Undefined
from peephole.attributions.folding import scale_and_shift
from peephole.attributions.frames import Frame
from peephole.attributions.operations import Operation
from peephole.attributions.rule import Rule
from peephole.attributions.tape import Step
from peephole.attributions.way import one_hot

if TYPE_CHECKING:
    from peephole.attributions.question import Question


@ATTRIBUTIONS.register
@dataclass(frozen=True)
class FullGrad(Rule):
    """``Σ_c ψ(A ⊙ g) + Σ_b up(Σ_c ψ(b ⊙ g_b))``: the gradient at the layer times its activation, and at every bias
    above it times the bias; ``[B,1,h,w]``, nowhere negative.

    ``ψ`` takes absolute values and brings them to [0,1] over channels and places of one picture together, ``up``
    enlarges bilinearly with aligned corners: so the authors' code. Biases are those of convolutions and of linear
    modules that act place by place, what a normalisation by fixed statistics adds (of batch normalisation
    ``β − μγ/√(σ²+ε)``), each by itself, and at an activation ``σ(x) − σ'(x)x``, the paper's implicit bias, which a
    plain ReLU has not. Biases without a place in the picture, those of the head, are left out of the map. At ``input``
    it is the authors' method; at a layer, the same for the part above it. Without ``ψ`` all terms, those of the head
    included, sum to the logit. Networks whose gradient no bias completes (products, attention, normalisation by own
    statistics) are refused.
    """

    title: ClassVar[str] = "FullGrad"
    source: ClassVar[str] = (
        "Srinivas, Fleuret. Full-gradient representation for neural network visualization. NeurIPS 2019."
    )

    def undefined(self) -> Undefined:
        """What no bias completes."""
        return BIASES

    def explain(self, question: Question, layers: Sequence[str]) -> dict[str, Tensor]:
        """One forward and one backward pass for all layers together."""
        tape = question.tape(folded=False)
        model = tape.model
        steps = {step.site.output: step for step in tape.steps}
        terms: list[tuple[int, Tensor]] = []
        body = model.depth(model.layers[-1])

        def collect(value: int, signal: Tensor) -> Tensor:
            step = steps.get(value)
            frame = None if step is None else step.site.frame
            # Behind a global pool there is one place, and it is the whole picture's.
            head = step is not None and step.position >= body and frame is not None and _is_one(frame, signal)
            bias = None if step is None or frame is None or head else bias_at(step)
            if step is not None and frame is not None and bias is not None:
                term = frame.picture((bias * signal).expand_as(signal))
                terms.append((step.position, standardised(term).sum(1, keepdim=True)))
            return signal

        values = {model.cut(layer).value: layer for layer in layers}
        found = tape.back(one_hot(tape.logits, question.target), lambda step: None, keep=values, change=collect)
        maps = {}
        for layer in layers:
            activation = tape.activation(layer)
            gradient = found.get(model.cut(layer).value, torch.zeros_like(activation))
            total = standardised(model.picture(layer, activation * gradient)).sum(1, keepdim=True)
            for position, term in terms:
                if position >= model.depth(layer):
                    total = total + F.interpolate(term, total.shape[2:], mode="bilinear", align_corners=True)
            maps[layer] = total
        return maps


def _is_one(frame: Frame, values: Tensor) -> bool:
    return frame.spatial(tuple(values.shape[1:]))[1:] == (1, 1)


def bias_at(step: Step) -> Tensor | None:
    """What a call site adds to a linear function of its input, broadcasting with its output; None if nothing."""
    module, operation, output = step.site.module, step.site.operation, step.output.detach()
    if operation is Operation.LINEAR:
        if not isinstance(module.bias, Tensor):
            return None
        return module.bias.detach().reshape(-1, *[1] * (0 if isinstance(module, nn.Linear) else output.ndim - 2))
    if isinstance(module, nn.modules.batchnorm._NormBase) and operation is Operation.SCALE:
        return scale_and_shift(module)[1].reshape(-1, *[1] * (output.ndim - 2))
    if operation in (Operation.SCALE, Operation.AFFINE):
        shift = step.again([torch.zeros_like(step.input)])[0].detach()
        return shift if bool(shift.any()) else None
    if operation is Operation.ACTIVATION or (operation is Operation.RELU and not isinstance(module, nn.ReLU)):
        (slope,) = step.pull(torch.ones_like(output))
        bias: Tensor = output if slope is None else output - slope * step.input
        return bias
    return None


def standardised(values: Tensor) -> Tensor:
    """``|values|`` of each picture, shifted and scaled to [0,1]."""
    values = values.abs()
    values = values - values.amin((1, 2, 3), keepdim=True)
    return values / (values.amax((1, 2, 3), keepdim=True) + 1e-6)
