"""Guided backpropagation (Springenberg et al. 2014)."""

from __future__ import annotations

from typing import ClassVar

from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.propagation import Propagation
from peephole.attributions.tape import Step
from peephole.attributions.way import Handlers


def guided(step: Step, signal: Tensor) -> tuple[Tensor]:
    """``max(signal, 0) · 1[a > 0]`` with ``a`` what the ReLU gave."""
    return (signal.relu() * (step.output > 0),)


@ATTRIBUTIONS.register
@dataclass(frozen=True)
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

    def handlers(self) -> Handlers:
        """`guided` at every ReLU."""
        return {nn.ReLU: guided}

    def read(self, activation: Tensor, signal: Tensor) -> Tensor:
        """What arrived."""
        return signal
