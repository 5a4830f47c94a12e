"""Guided backpropagation (Springenberg et al. 2014)."""

from __future__ import annotations

from typing import ClassVar

from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.domains import Undefined
from peephole.attributions.propagation import Propagation
from peephole.attributions.rectifiers import Activations, at_activations, domain
from peephole.attributions.tape import Step
from peephole.attributions.way import Handlers


def guided(step: Step, signal: Tensor) -> tuple[Tensor | None, ...]:
    """``max(signal, 0) · σ'(x)``: at a ReLU, the positive part of the signal where the ReLU is on."""
    if isinstance(step.site.module, nn.ReLU):
        return (signal.relu() * (step.output > 0),)
    return step.pull(signal.relu())


@ATTRIBUTIONS.register
@dataclass(frozen=True)
class GuidedBackprop(Propagation):
    """The gradient with negative signal cut off at every ReLU on the way: ``r_{l−1} = W_l M_l max(r_l, 0)``.

    ReLUs are guided, call site by call site, however they are written, and ReLUs with a ceiling such as ReLU6, through
    which nothing goes where they are flat. Batch normalisation, residual sums, pools, gates and attention keep the
    plain gradient, as in the official code. That code leaves activations that are no ReLU alone, too, so that on a
    network of SiLU or GELU its map is the gradient: here such a network is refused. What arrives at a layer that is
    the output of a ReLU has not passed that ReLU. Signed, channels kept: ``[B,c,h,w]``. Not multiplied by the
    activation; `input_x_guided_backprop` is.

    Attributes:
        activation: ``"any"`` guides every activation: ``r_{l−1} = W_l σ'(x) max(r_l, 0)``, which is nobody's rule but
            the nearest to this one.
    """

    title: ClassVar[str] = "Guided Backprop"
    source: ClassVar[str] = (
        "Springenberg, Dosovitskiy, Brox, Riedmiller. Striving for simplicity: the all convolutional net. ICLR "
        "workshop 2015."
    )

    activation: Activations = "relu"

    def handlers(self) -> Handlers:
        """`guided` at every activation that counts."""
        return at_activations(guided, self.activation)

    def undefined(self) -> Undefined:
        """Activations that are no ReLU, unless they count."""
        return domain(self.activation)

    def read(self, activation: Tensor, signal: Tensor) -> Tensor:
        """What arrived."""
        return signal
