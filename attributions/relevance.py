"""What the relevance rules do at a call site.

The signal is the coefficient ``r`` of `peephole.attributions.way.Way`: the relevance of a value ``a`` is ``a ⊙ r``. A
linear map with output ``y`` (its bias included) receives the relevance ``R_j = y_j r_j`` and shares it among its
inputs in proportion to some part of their contributions ``z_ij = w_ij a_i``. Maps with weights are shared so, and
sums, whose weights are fixed, and averages: they are linear maps like any other. Where an output has a single input (a
normalisation by fixed statistics, a rearrangement, an activation), all of its relevance goes there; a maximum gives
all to the largest.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import torch
from torch import Tensor, nn

from peephole.attributions.linear import apply
from peephole.attributions.operations import Operation, WeightedSum
from peephole.attributions.tape import Handler, Step

NOTHING = 1e-9
"""The share of a picture's largest total below which an output has nothing to share among: rounding, not relevance."""

SMALLEST = 1e7
"""Times the smallest normal number of a type: what still can divide a relevance."""

Parts = tuple[Tensor | None, ...]
"""A coefficient for each leaf of a call site."""


def divided(values: Tensor, by: Tensor) -> Tensor:
    """``values / by``; zero where ``by`` is zero, or too small to divide a relevance."""
    off = by.abs() <= SMALLEST * torch.finfo(by.dtype).tiny
    return torch.where(off, 0, values / torch.where(off, 1, by))


def passed(step: Step, signal: Tensor) -> Parts:
    """``a r_a = y r_y``: the relevance of the output is that of the input, place by place."""
    if isinstance(step.site.module, nn.ReLU):
        return step.pull(signal)
    return (divided(signal * step.output.detach(), step.input),)


class Contributions(ABC):
    """The contributions ``z_ij`` of one sign at a linear map, with its weights, a sum or an average.

    Attributes:
        total: ``|Σ_k z_kj|`` over those of this sign, for each output.
        bias: the part of the map's own constant that has this sign, as a size; zero where there is none.
        by_row: whether a row of them is a picture's.
    """

    total: Tensor
    bias: Tensor | float = 0.0
    by_row: bool = True

    @property
    def any(self) -> Tensor:
        """Whether anything of this sign contributes, for each output; a factor before all of them changes nothing."""
        least = SMALLEST * torch.finfo(self.total.dtype).tiny
        if not self.by_row:
            return self.total > least
        largest = self.total.flatten(1).amax(1).reshape(-1, *[1] * (self.total.ndim - 1))
        return self.total > (NOTHING * largest).clamp(min=least)

    def share(self, relevance: Tensor, *, bias: bool = False) -> Parts:
        """The coefficient of ``relevance`` shared in proportion to these contributions, for each leaf.

        Args:
            relevance: of each output.
            bias: the part of the bias that has this sign takes its share, which is lost.
        """
        shared = relevance / (self.total + self.bias if bias else self.total)
        # An output that nothing of this sign contributes to has nothing to share among.
        return self.sent(shared.masked_fill_(~self.any, 0))

    @abstractmethod
    def sent(self, shared: Tensor) -> Parts:
        """``Σ_j |w_ij| shared_j`` over the contributions of this sign, with the sign of the input."""


class OfWeights(Contributions):
    """Those of a map with weights.

    Where the input is zero, weights of this sign count. With inputs of one sign it costs one more forward pass.

    Args:
        step: the call site.
        sign: 1 or −1.
    """

    def __init__(self, step: Step, sign: int) -> None:
        self._sign, self._input, self.by_row = sign, step.input, step.site.batch_first
        module = step.site.module
        weight = module.get_parameter("weight")
        halves = weight.clamp(min=0), weight.clamp(max=0)
        weights = halves if sign > 0 else halves[::-1]
        x = self._input
        # After a ReLU there are no negative inputs, and half of the work is saved.
        inputs = (x.clamp(min=0), x.clamp(max=0)) if (x < 0).any() else (x,)
        with torch.enable_grad():
            self._leaves = [part.detach().requires_grad_() for part in inputs]
            self._product = apply(module, self._leaves[0], weights[0])
            if len(inputs) == 2:
                self._product = self._product + apply(module, self._leaves[1], weights[1])
        self.total = (sign * self._product.detach()).clamp(min=0)
        if isinstance(module.bias, Tensor):
            places = 0 if isinstance(module, nn.Linear) else self.total.ndim - 2
            self.bias = (sign * module.bias).clamp(min=0).reshape(-1, *[1] * places)

    def sent(self, shared: Tensor) -> Parts:
        """See `Contributions.sent`."""
        pulled = torch.autograd.grad(self._product, self._leaves, self._sign * shared)
        return (pulled[0] if len(pulled) == 1 else torch.where(self._input < 0, pulled[1], pulled[0]),)


class OfSummands(Contributions):
    """Those of a sum of tensors with a fixed number before each.

    Args:
        step: the call site.
        sign: 1 or −1.
    """

    def __init__(self, step: Step, sign: int) -> None:
        self._step, self._sign, self.by_row = step, sign, step.site.batch_first
        module = step.site.module
        weights = module.weights if isinstance(module, WeightedSum) else (1.0,) * len(step.site.inputs)
        tensors = {number: tensor.detach() for number, tensor in step.leaves}
        self._terms = [
            (number, weight, tensors[number] if weight == 1 else weight * tensors[number])
            for number, weight in zip(step.site.inputs, weights, strict=True)
            if number in tensors  # what does not depend on the picture is a bias
        ]
        parts = [term.clamp(min=0) if sign > 0 else term.clamp(max=0).neg_() for _, _, term in self._terms]
        self.total = sum(parts[1:], parts[0]).expand_as(step.output)

    def sent(self, shared: Tensor) -> Parts:
        """See `Contributions.sent`."""
        found: dict[int, Tensor] = {}
        tensors = dict(self._step.leaves)
        for number, weight, term in self._terms:
            off = term <= 0 if self._sign > 0 else term >= 0
            part = (shared if self._sign * weight == 1 else self._sign * weight * shared).masked_fill(off, 0)
            part = part.sum_to_size(tensors[number].shape)
            found[number] = found[number] + part if number in found else part
        return tuple(found.get(number) for number, _ in self._step.leaves)


class OfAverage(Contributions):
    """Those of a map whose weights are fixed and nowhere negative.

    Args:
        step: the call site.
        sign: 1 or −1.
    """

    def __init__(self, step: Step, sign: int) -> None:
        self._sign, self._input, self.by_row = sign, step.input, step.site.batch_first
        kept = step.input.clamp(min=0) if sign > 0 else step.input.clamp(max=0)
        self._product, self._leaves = step.again([kept])
        self.total = (sign * self._product.detach()).clamp(min=0)

    def sent(self, shared: Tensor) -> Parts:
        """See `Contributions.sent`."""
        (pulled,) = torch.autograd.grad(self._product, self._leaves, self._sign * shared)
        return (pulled * (self._input > 0 if self._sign > 0 else self._input < 0),)


CONTRIBUTIONS: Mapping[Operation, Callable[[Step, int], Contributions]] = MappingProxyType(
    {Operation.LINEAR: OfWeights, Operation.SUM: OfSummands, Operation.AVERAGE: OfAverage}
)
"""The contributions at each kind of linear map, from the call site and the sign."""


Sums = Literal["rule", "proportional"]
"""How sums and averages share: by the rule's own equation, or in proportion to what they add, whatever its sign, which
the plain chain rule does. That has no bound: of ``3 − 2 = 1`` it gives one branch 3 and the other −2 times what there
was, and over ten residual blocks such factors multiply."""


def _shared(sums: Sums) -> tuple[Operation, ...]:
    """The linear maps that share by the rule's equation."""
    return tuple(CONTRIBUTIONS) if sums == "rule" else (Operation.LINEAR,)


def _of_one_sign(step: Step) -> bool:
    """Whether nothing negative goes into a sum or an average: then its plain share is that of the positive part."""
    module = step.site.module
    fixed = step.site.operation in (Operation.SUM, Operation.AVERAGE)
    rising = not isinstance(module, WeightedSum) or min(module.weights) >= 0
    return fixed and rising and not any((tensor < 0).any() for _, tensor in step.leaves)


@dataclass(frozen=True)
class Positive:
    """z⁺: ``R_i = Σ_j z_ij⁺ / Σ_k z_kj⁺ · R_j`` with ``z⁺ = a⁺w⁺ + a⁻w⁻``, no bias in the denominator unless asked for.

    The coefficient that goes on is that of the weights with their input's sign: ``r_i = Σ_j w_ij 1[z_ij > 0] s_j``. At
    a sum, whose weights are 1, the share is ``a⁺ / (a⁺ + b⁺)``. No input gets more than its output has; what an output
    without any positive contribution has is lost.

    Attributes:
        bias: keep the positive part of the bias in the denominator, which absorbs its share of the relevance.
    """

    bias: bool = False

    def __call__(self, step: Step, signal: Tensor) -> Parts:
        """See `peephole.attributions.tape.Handler`."""
        if _of_one_sign(step):
            return step.pull(signal)
        parts = CONTRIBUTIONS[step.site.operation](step, 1)
        return parts.share(step.output.detach() * signal, bias=self.bias)


@dataclass(frozen=True)
class AlphaBeta:
    """``R_i = Σ_j (α z_ij⁺ / Σ_k z_kj⁺ − β z_ij⁻ / Σ_k z_kj⁻) R_j`` with ``α − β = 1`` (P2 eq. 9).

    An output with contributions of one sign only gives all its relevance to that sign, so that none is lost or made.
    """

    alpha: float
    beta: float
    bias: bool = False

    def __call__(self, step: Step, signal: Tensor) -> Parts:
        """See `peephole.attributions.tape.Handler`."""
        if _of_one_sign(step):
            return step.pull(signal)
        relevance = step.output.detach() * signal
        positive, negative = (CONTRIBUTIONS[step.site.operation](step, sign) for sign in (1, -1))
        rises, falls = positive.any, negative.any
        up = torch.where(falls, self.alpha, 1.0) * rises * relevance
        down = torch.where(rises, -self.beta, 1.0) * falls * relevance
        pairs = zip(positive.share(up, bias=self.bias), negative.share(down, bias=self.bias), strict=True)
        return tuple(
            one + other if one is not None and other is not None else one if other is None else other
            for one, other in pairs
        )


@dataclass(frozen=True)
class Epsilon:
    """``R_i = Σ_j z_ij / (y_j + ε_j sign y_j) R_j``; the bias, part of ``y``, absorbs its share.

    Attributes:
        epsilon: absolute, or as a share of the root mean square of the picture's outputs.
        relative: which of the two.
    """

    epsilon: float
    relative: bool

    def __call__(self, step: Step, signal: Tensor) -> Parts:
        """See `peephole.attributions.tape.Handler`."""
        output = step.output.detach()
        size = output.abs()
        if self.relative:
            size = size + self.epsilon * output.square().mean(tuple(range(1, output.ndim)), keepdim=True).sqrt()
        else:
            size = size + self.epsilon
        # Where the whole is zero, so is the output.
        return step.pull(signal * output.abs() / size.clamp(min=torch.finfo(size.dtype).tiny))


@dataclass(frozen=True)
class Scaled:
    """At a normalisation by fixed statistics ``y = s x + t``: all goes to ``x``, or the bias ``t`` takes its share.

    Attributes:
        bias: whether it does, where it has the sign of ``s x``; what it takes is lost.
    """

    bias: bool = False

    def __call__(self, step: Step, signal: Tensor) -> Parts:
        """See `peephole.attributions.tape.Handler`."""
        if not self.bias:
            return passed(step, signal)
        output = step.output.detach()
        (slope,) = step.pull(torch.ones_like(output))
        assert slope is not None
        own = slope * step.input
        shift = output - own
        total = own + torch.where(own * shift > 0, shift, 0)
        return (divided(signal * output * slope, total),)


def by_signs(linear: Positive | AlphaBeta, sums: Sums = "rule") -> Mapping[Operation, Handler]:
    """The handlers of a rule that shares by the contributions of one sign."""
    return MappingProxyType(
        {
            **dict.fromkeys(_shared(sums), linear),
            Operation.SCALE: Scaled(linear.bias),
            **dict.fromkeys((Operation.RELU, Operation.ACTIVATION), passed),
        }
    )


def by_wholes(linear: Epsilon, sums: Sums = "rule") -> Mapping[Operation, Handler]:
    """The handlers of a rule that shares by whole contributions.

    At a normalisation by fixed statistics the plain chain rule gives the bias its share, and there is nothing to choose
    among that ε could damp.
    """
    return MappingProxyType(
        {
            **dict.fromkeys((*_shared(sums), Operation.AFFINE), linear),
            **dict.fromkeys((Operation.RELU, Operation.ACTIVATION), passed),
        }
    )
