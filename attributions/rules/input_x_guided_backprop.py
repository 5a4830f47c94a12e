"""Activation times guided backpropagation (the layer choice study, P1, section 3.2)."""

from __future__ import annotations

from typing import ClassVar

from pydantic.dataclasses import dataclass
from torch import Tensor

from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.domains import Undefined
from peephole.attributions.propagation import Propagation
from peephole.attributions.rectifiers import Activations, at_activations, domain
from peephole.attributions.rules.guided_backprop import guided
from peephole.attributions.way import Handlers


@ATTRIBUTIONS.register
@dataclass(frozen=True)
class InputXGuidedBackprop(Propagation):
    """``A ⊙ r`` with ``r`` what `guided_backprop` gives; signed, channels kept: ``[B,c,h,w]``.

    The layer choice study multiplies by the activation because it finds the plain maps of middle layers to be of
    one sign (section 3.2) and because only the product speaks of setting values to zero (section 4.2). At ``input``,
    ``A`` is the normalised picture.

    Attributes:
        activation: as `guided_backprop` has it.
    """

    title: ClassVar[str] = "Input×Guided Backprop"
    source: ClassVar[str] = (
        "Delve into the layer choice of BP-based attribution explanations, section 3.2; rule of Springenberg et al., "
        "Striving for simplicity: the all convolutional net, ICLR workshop 2015."
    )

    activation: Activations = "relu"

    def handlers(self) -> Handlers:
        """As guided backpropagation."""
        return at_activations(guided, self.activation)

    def undefined(self) -> Undefined:
        """Activations that are no ReLU, unless they count."""
        return domain(self.activation)

    def read(self, activation: Tensor, signal: Tensor) -> Tensor:
        """Activation times what arrived."""
        return activation * signal
