"""What the relevance rules do at a call site.

The signal is the coefficient ``r`` of `peephole.attributions.way.Way`: the relevance of a value ``a`` is ``a ⊙ r``. A
linear module with output ``y`` (its bias included) receives the relevance ``R_j = y_j r_j`` and shares it among its
inputs in proportion to some part of their contributions ``z_ij = w_ij a_i``. Sums, average pools and flattening share
in proportion by the plain chain rule; a max-pool gives all to the largest; a ReLU passes relevance on unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor, nn

from peephole.attributions.linear import LINEAR, apply, stabilised
from peephole.attributions.tape import Handler, Step

TINY = 1e-9
"""Added to denominators so that nothing is divided by zero; what would have no share goes nowhere."""

PASSING: tuple[type[nn.Module], ...] = (
    *(nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish, nn.ReLU6),
    *(nn.Hardswish, nn.Tanh, nn.Hardtanh, nn.Softsign, nn.modules.batchnorm._NormBase),
)
"""Modules through which relevance passes unchanged, place by place. A `nn.ReLU` does so by the plain chain rule."""


def passed(step: Step, signal: Tensor) -> tuple[Tensor]:
    """``a r_a = y r_y``: the relevance of the output is that of the input."""
    return (signal * step.output.detach() / stabilised(step.input, TINY),)


@dataclass(frozen=True)
class Positive:
    """z⁺: ``R_i = Σ_j z_ij⁺ / Σ_k z_kj⁺ · R_j`` with ``z⁺ = a⁺w⁺ + a⁻w⁻``, no bias in the denominator unless asked for.

    The coefficient that goes on is that of the weights with their input's sign: ``r_i = Σ_j w_ij 1[z_ij > 0] s_j``.
    Where the input is zero, positive weights count. With inputs of one sign it costs one more forward pass.

    Attributes:
        bias: keep the positive part of the bias in the denominator, which absorbs its share of the relevance.
    """

    bias: bool = False

    def __call__(self, step: Step, signal: Tensor) -> tuple[Tensor]:
        """See `peephole.attributions.tape.Handler`."""
        parts = Contributions(step, 1)
        return (parts.share(step.output.detach() * signal, bias=self.bias),)


@dataclass(frozen=True)
class AlphaBeta:
    """``R_i = Σ_j (α z_ij⁺ / Σ_k z_kj⁺ − β z_ij⁻ / Σ_k z_kj⁻) R_j`` with ``α − β = 1`` (P2 eq. 9).

    An output with contributions of one sign only gives all its relevance to that sign, so that none is lost or made.
    """

    alpha: float
    beta: float
    bias: bool = False

    def __call__(self, step: Step, signal: Tensor) -> tuple[Tensor]:
        """See `peephole.attributions.tape.Handler`."""
        relevance = step.output.detach() * signal
        positive, negative = Contributions(step, 1), Contributions(step, -1)
        rises, falls = positive.total > TINY, negative.total > TINY
        up = torch.where(falls, self.alpha, 1.0) * rises * relevance
        down = torch.where(rises, -self.beta, 1.0) * falls * relevance
        return (positive.share(up, bias=self.bias) + negative.share(down, bias=self.bias),)


@dataclass(frozen=True)
class Epsilon:
    """``R_i = Σ_j z_ij / (y_j + ε_j sign y_j) R_j``; the bias, part of ``y``, absorbs its share.

    Attributes:
        epsilon: absolute, or as a share of the root mean square of the picture's outputs.
        relative: which of the two.
    """

    epsilon: float
    relative: bool

    def __call__(self, step: Step, signal: Tensor) -> tuple[Tensor | None, ...]:
        """See `peephole.attributions.tape.Handler`."""
        output = step.output.detach()
        size = output.abs()
        if self.relative:
            size = size + self.epsilon * output.square().mean(tuple(range(1, output.ndim)), keepdim=True).sqrt()
        else:
            size = size + self.epsilon
        # Where the whole is zero, so is the output.
        return step.pull(signal * output.abs() / size.clamp(min=torch.finfo(size.dtype).tiny))


class Contributions:
    """The contributions ``z_ij`` of one sign at a linear module.

    Args:
        step: the call site.
        sign: 1 or −1.

    Attributes:
        total: ``|Σ_k z_kj|`` over those of this sign, for each output.
    """

    def __init__(self, step: Step, sign: int) -> None:
        self._module, self._sign, self._input = step.site.module, sign, step.input
        weight = self._module.get_parameter("weight")
        halves = weight.clamp(min=0), weight.clamp(max=0)
        weights = halves if sign > 0 else halves[::-1]
        x = self._input
        # After a ReLU there are no negative inputs, and half of the work is saved.
        inputs = (x.clamp(min=0), x.clamp(max=0)) if (x < 0).any() else (x,)
        with torch.enable_grad():
            self._leaves = [part.detach().requires_grad_() for part in inputs]
            self._product = apply(self._module, self._leaves[0], weights[0])
            if len(inputs) == 2:
                self._product = self._product + apply(self._module, self._leaves[1], weights[1])
        self.total: Tensor = (sign * self._product.detach()).clamp(min=0)

    def share(self, relevance: Tensor, *, bias: bool = False) -> Tensor:
        """The coefficient of ``relevance`` shared in proportion to these contributions, in the shape of the input.

        Args:
            relevance: of each output.
            bias: the part of the bias that has this sign takes its share, which is lost.
        """
        total = self.total + TINY
        if bias and isinstance(self._module.bias, Tensor):
            places = 0 if isinstance(self._module, nn.Linear) else relevance.ndim - 2
            total = total + (self._sign * self._module.bias).clamp(min=0).reshape(-1, *[1] * places)
        # An output that nothing of this sign contributes to has nothing to share among.
        shared = torch.where(self.total > TINY, self._sign * relevance / total, 0)
        pulled = torch.autograd.grad(self._product, self._leaves, shared)
        return pulled[0] if len(pulled) == 1 else torch.where(self._input < 0, pulled[1], pulled[0])


def handlers(linear: Handler) -> Mapping[type[nn.Module], Handler]:
    """The handlers of a relevance rule that says what a linear module does."""
    return MappingProxyType({**dict.fromkeys(LINEAR, linear), **dict.fromkeys(PASSING, passed)})
