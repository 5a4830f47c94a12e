"""DeepLIFT with the rescale rule (Shrikumar et al. 2017), at a layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.rule import Rule
from peephole.attributions.tape import Handler, Step, Tape
from peephole.attributions.way import handler_of, one_hot

if TYPE_CHECKING:
    from peephole.attributions.question import Question

POINTWISE: tuple[type[nn.Module], ...] = (
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish, nn.Softplus),
    *(nn.Sigmoid, nn.Tanh, nn.Softsign, nn.Hardtanh, nn.Hardsigmoid, nn.Hardswish, nn.LogSigmoid),
)
POOLS: tuple[type[nn.Module], ...] = (nn.MaxPool2d, nn.AdaptiveMaxPool2d)


@ATTRIBUTIONS.register
@dataclass(frozen=True)
class DeepLift(Rule):
    """``A ⊙ m``: multipliers ``m`` that explain the difference from a zero activation; ``[B,c,h,w]``, channels kept.

    At a nonlinearity ``m_in = m_out · Δout/Δin`` (the rescale rule), everywhere else the chain rule, where ``Δ`` is the
    difference between the picture's run and a run from a zero activation at the layer: the part above the layer alone.
    Where ``|Δin|`` is below ``epsilon`` the gradient stands in (Captum: below 1e-10; DeepExplain: 1e-5, the gradient at
    the middle). The map of a layer sums to ``f_k(A) − f_k(0)``.

    A max-pool gives what its output rose to the place of the picture's maximum, and what it fell to that of the
    baseline's, divided by the difference there, which is never zero; Captum's code for it is wrong right after a ReLU.
    Normalisation by the layer's own statistics and products of two values keep the chain rule, and there the sum does
    not hold.

    The forward pass of the picture serves all layers; the baseline's, of one row, is each layer's own.

    Attributes:
        epsilon: the smallest difference of inputs that is divided by.
    """

    title: ClassVar[str] = "DeepLIFT"
    source: ClassVar[str] = (
        "Shrikumar, Greenside, Kundaje. Learning important features through propagating activation differences. ICML "
        "2017; rescale rule."
    )

    epsilon: Annotated[float, Field(gt=0)] = 1e-7

    def explain(self, question: Question, layers: Sequence[str]) -> dict[str, Tensor]:
        """The map of every layer, each from a way back of its own."""
        return {layer: self._at(question, layer) for layer in layers}

    def _at(self, question: Question, layer: str) -> Tensor:
        tape, activation = question.tape(), question.activation(layer)
        baseline = Tape(tape.model, torch.zeros_like(activation[:1]), layer)
        reference = {step.position: step for step in baseline.steps}

        def rescaled(step: Step, signal: Tensor) -> tuple[Tensor | None, ...]:
            return self._rescaled(step, reference[step.position], signal)

        def pooled(step: Step, signal: Tensor) -> tuple[Tensor | None, ...]:
            return self._pooled(step, reference[step.position], signal)

        handlers: Mapping[type[nn.Module], Handler] = {
            **dict.fromkeys(POINTWISE, rescaled),
            **dict.fromkeys(POOLS, pooled),
        }
        value = tape.model.cut(layer).value
        found = tape.back(
            one_hot(tape.logits, question.target),
            lambda step: handler_of(type(step.site.module), handlers),
            keep={value},
            until=tape.model.depth(layer),
        )
        return activation * found[value] if value in found else torch.zeros_like(activation)

    def _rescaled(self, step: Step, reference: Step, signal: Tensor) -> tuple[Tensor | None, ...]:
        below = step.input - reference.input
        above = step.output.detach() - reference.output.detach()
        (plain,) = step.pull(signal)
        small = below.abs() < self.epsilon
        ratio = above / torch.where(small, 1.0, below)
        return (torch.where(small, plain if plain is not None else 0.0, signal * ratio),)

    def _pooled(self, step: Step, reference: Step, signal: Tensor) -> tuple[Tensor | None, ...]:
        below = step.input - reference.input
        above = step.output.detach() - reference.output.detach()
        (risen,) = step.pull(signal * above.clamp(min=0))
        places = _argmax(step.site.module, reference.input).expand_as(signal)
        fallen = torch.zeros_like(below).flatten(2)
        fallen.scatter_add_(2, places.flatten(2), (signal * above.clamp(max=0)).flatten(2))
        total = fallen.unflatten(2, below.shape[2:])
        if risen is not None:
            total = total + risen
        return (torch.where(total == 0, 0.0, total / torch.where(below == 0, 1.0, below)),)


def _argmax(pool: nn.Module, x: Tensor) -> Tensor:
    """The flat places of the maxima that a pool takes from ``x``."""
    places: Tensor
    if isinstance(pool, nn.AdaptiveMaxPool2d):
        size: Any = pool.output_size
        places = F.adaptive_max_pool2d(x, size, return_indices=True)[1]
        return places
    assert isinstance(pool, nn.MaxPool2d)
    sides: tuple[Any, ...] = (pool.kernel_size, pool.stride, pool.padding, pool.dilation, pool.ceil_mode)
    places = F.max_pool2d(x, *sides, return_indices=True)[1]
    return places
