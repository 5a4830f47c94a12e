"""Activation times gradient (Shrikumar et al. 2016)."""

from __future__ import annotations

from typing import ClassVar

from pydantic.dataclasses import dataclass
from torch import Tensor

from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.propagation import Propagation


@ATTRIBUTIONS.register
@dataclass(frozen=True)
class InputXGradient(Propagation):
    """``A ⊙ ∂f_k/∂A``, signed, channels kept: ``[B,c,h,w]``.

    At ``input``, ``A`` is the normalised picture, as in the official code of the layer choice study (P1); in
    pixel space the product would depend on what the dataset calls black. Summed over a layer of a network without
    biases above it and with piecewise linear activations, the map gives the logit.
    """

    title: ClassVar[str] = "Input×Gradient"
    source: ClassVar[str] = (
        "Shrikumar, Greenside, Shcherbina, Kundaje. Not just a black box: learning important features through "
        "propagating activation differences. arXiv:1605.01713, 2016."
    )

    def read(self, activation: Tensor, signal: Tensor) -> Tensor:
        """Activation times gradient."""
        return activation * signal
