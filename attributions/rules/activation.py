"""Activations sent backwards in place of the gradient (the alignment paper, P2, Table I and section IV-A)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from peephole.attributions.backward import Substitution
from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.propagation import Propagation


class ActivationReLU(torch.autograd.Function):
    """ReLU whose backward pass forgets the signal and sends its own output."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """``max(x, 0)``."""
        output = x.relu()
        ctx.save_for_backward(output)
        return output

    @staticmethod
    def backward(ctx: Any, *signal: Tensor) -> Tensor:
        """The output; a copy, as what arrives at a layer must not be the same memory as an activation."""
        (output,) = ctx.saved_tensors
        return output.clone()  # type: ignore[no-any-return]


def activated(module: nn.Module, x: Tensor) -> Tensor:
    """A call of a ReLU module that sends its output backwards."""
    return ActivationReLU.apply(x)  # type: ignore[no-any-return]


@ATTRIBUTIONS.register
class Activation(Propagation):
    """``r_{l−1} = W_l A_l``: at every ReLU the signal is replaced by that ReLU's output ``A_l``, then carried on with
    the plain weights. The map at a layer is what arrives there; signed, channels kept: ``[B,c,h,w]``.

    It is the fully aligned rule of Theorem 2, the upper end that negative filtering rules tend to: it says what the
    network still knows of the picture, not what it decided. A layer with a ReLU somewhere on every way above it
    gets the same map for every target; a layer with no ReLU above it (the last block of a ResNet) gets the
    plain gradient of the logit, as there is no activation to send.

    The paper defines the rule for a chain of weights and ReLUs without biases. It leaves open, and we choose: the mask
    ``M_l`` needs no place in the formula, since ``M_l A_l = A_l``; biases add nothing; pools and batch normalisation
    keep their plain gradient (the latter's scale is part of ``W_l``); at a residual sum each branch gets the
    signal whole, and what the branches bring back is added; activations other than `nn.ReLU` keep the plain gradient.
    """

    title: ClassVar[str] = "Activation"
    source: ClassVar[str] = (
        "Zheng, Sang, Xu. Unifying perplexing behaviors in modified BP attributions through alignment perspective. "
        "Table I and section IV-A."
    )
    substitutions: ClassVar[Mapping[type[nn.Module], Substitution]] = {nn.ReLU: activated}

    @staticmethod
    def read(activation: Tensor, gradient: Tensor) -> Tensor:
        """What arrived."""
        return gradient
