"""Activations sent backwards in place of the gradient (the alignment paper, P2, Table I and section IV-A)."""

from __future__ import annotations

from typing import ClassVar

from pydantic.dataclasses import dataclass
from torch import Tensor

from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.domains import Undefined
from peephole.attributions.propagation import Propagation
from peephole.attributions.rectifiers import Activations, at_activations, domain
from peephole.attributions.tape import Step
from peephole.attributions.way import Handlers


def activated(step: Step, signal: Tensor) -> tuple[Tensor]:
    """What the ReLU gave, whatever came back."""
    return (step.output.detach(),)


@ATTRIBUTIONS.register
@dataclass(frozen=True)
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
    signal whole, and what the branches bring back is added; a ReLU with a ceiling sends its output like any other.
    Networks with other activations are refused.

    Attributes:
        activation: ``"any"`` sends the output of every activation.
    """

    title: ClassVar[str] = "Activation"
    source: ClassVar[str] = (
        "Zheng, Sang, Xu. Unifying perplexing behaviors in modified BP attributions through alignment perspective. "
        "Table I and section IV-A."
    )

    activation: Activations = "relu"

    def handlers(self) -> Handlers:
        """`activated` at every activation that counts."""
        return at_activations(activated, self.activation)

    def undefined(self) -> Undefined:
        """Activations that are no ReLU, unless they count."""
        return domain(self.activation)

    def read(self, activation: Tensor, signal: Tensor) -> Tensor:
        """What arrived."""
        return signal
