"""Guided backpropagation (Springenberg et al. 2014)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from peephole.attributions.backward import Substitution
from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.propagation import Propagation


class GuidedReLU(torch.autograd.Function):
    """ReLU whose backward pass lets through only positive signal, and only where the input was positive."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """``max(x, 0)``."""
        output = x.relu()
        ctx.save_for_backward(output)
        return output

    @staticmethod
    def backward(ctx: Any, *signal: Tensor) -> Tensor:
        """``max(signal, 0) · 1[x > 0]``."""
        (output,) = ctx.saved_tensors
        plain: Tensor = torch.ops.aten.threshold_backward(signal[0], output, 0)
        return plain.relu_()


def guided(module: nn.Module, x: Tensor) -> Tensor:
    """A call of a ReLU module with the guided backward pass."""
    return GuidedReLU.apply(x)  # type: ignore[no-any-return]


@ATTRIBUTIONS.register
class GuidedBackprop(Propagation):
    """The gradient with negative signal cut off at every ReLU on the way: ``r_{l−1} = W_l M_l max(r_l, 0)``.

    Only `nn.ReLU` is guided, call site by call site; batch normalisation, residual sums, pools and other
    activations keep the plain gradient, as in the official code. What arrives at a layer that is the output of a ReLU
    has not passed that ReLU. Signed, channels kept: ``[B,c,h,w]``. Not multiplied by the activation;
    `input_x_guided_backprop` is.
    """

    title: ClassVar[str] = "Guided Backprop"
    source: ClassVar[str] = (
        "Springenberg, Dosovitskiy, Brox, Riedmiller. Striving for simplicity: the all convolutional net. ICLR "
        "workshop 2015."
    )
    substitutions: ClassVar[Mapping[type[nn.Module], Substitution]] = {nn.ReLU: guided}

    @staticmethod
    def read(activation: Tensor, gradient: Tensor) -> Tensor:
        """What arrived."""
        return gradient
