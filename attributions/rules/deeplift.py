"""DeepLIFT with the rescale rule (Shrikumar et al. 2017), at a layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.domains import DIFFERENCES, Undefined
from peephole.attributions.maps import Maps
from peephole.attributions.operations import Operation
from peephole.attributions.rule import Rule
from peephole.attributions.tape import Handler, Step, Tape
from peephole.attributions.way import logit_of, one_hot

if TYPE_CHECKING:
    from peephole.attributions.question import Question

Compared = Callable[[Step, Step, Tensor], tuple[Tensor | None, ...]]
"""What becomes of the signal at a call site, from its run on the picture and its run on the baseline."""


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
    So for any other maximum. A product of two values, a gate or a matrix product, shares its rise by the gradient half
    way between the two runs, which for a product is exact: each factor gets its difference times the mean of the other
    (the Shapley value of two players, as the code of Lundberg & Lee has it). Networks with attention or with
    normalisation by a layer's own statistics are refused: the rescale rule is of functions of one number.

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

    def undefined(self) -> Undefined:
        """What is neither linear, nor a function of one number, nor a maximum or a product."""
        return DIFFERENCES

    def explain(self, question: Question, layers: Sequence[str]) -> dict[str, Tensor]:
        """The map of every layer, each from a way back of its own."""
        found = {layer: self._at(question, layer) for layer in layers}
        return Maps(
            {layer: map_ for layer, (map_, _) in found.items()}, {layer: end for layer, (_, end) in found.items()}
        )

    def _at(self, question: Question, layer: str) -> tuple[Tensor, Tensor]:
        """The map, and what it has to sum to."""
        tape, activation = question.tape(), question.state(layer)
        folds = not all(site.batch_first for site in tape.model.sites)
        baseline = Tape(tape.model, torch.zeros_like(activation if folds else activation[:1]), layer)
        reference = {step.position: step for step in baseline.steps}

        def against(handler: Compared) -> Handler:
            return lambda step, signal: handler(step, reference[step.position], signal)

        handlers: Mapping[Operation, Handler] = {
            **dict.fromkeys((Operation.RELU, Operation.ACTIVATION), against(self._rescaled)),
            Operation.MAXIMUM: against(self._pooled),
            Operation.PRODUCT: against(self._multiplied),
        }
        value = tape.model.cut(layer).value
        found = tape.back(
            one_hot(tape.logits, question.target),
            lambda step: handlers.get(step.site.operation),
            keep={value},
            until=tape.model.depth(layer),
        )
        map_ = activation * found[value] if value in found else torch.zeros_like(activation)
        target = question.target
        base = logit_of(baseline.logits.expand_as(tape.logits), target)
        return tape.model.picture(layer, map_), logit_of(tape.logits, target) - base

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
        if isinstance(step.site.module, nn.MaxPool2d | nn.AdaptiveMaxPool2d) and below.ndim == 4:
            places = _argmax(step.site.module, reference.input).expand_as(signal)
            fallen = torch.zeros_like(below).flatten(2)
            fallen.scatter_add_(2, places.flatten(2), (signal * above.clamp(max=0)).flatten(2))
            total = fallen.unflatten(2, below.shape[2:])
        else:
            output, leaves = step.again([reference.input.expand_as(below)])
            (total,) = torch.autograd.grad(output, leaves, signal * above.clamp(max=0))
        if risen is not None:
            total = total + risen
        return (torch.where(total == 0, 0.0, total / torch.where(below == 0, 1.0, below)),)

    def _multiplied(self, step: Step, reference: Step, signal: Tensor) -> tuple[Tensor | None, ...]:
        pairs = zip(step.leaves, reference.leaves, strict=True)
        output, leaves = step.again([(own.detach() + other.detach()) / 2 for (_, own), (_, other) in pairs])
        return torch.autograd.grad(output, leaves, signal, allow_unused=True)


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
