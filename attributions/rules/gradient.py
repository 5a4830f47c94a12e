"""The gradient of the target's logit (Simonyan et al. 2013)."""

from __future__ import annotations

from typing import ClassVar

from pydantic.dataclasses import dataclass
from torch import Tensor

from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.propagation import Propagation


@ATTRIBUTIONS.register
@dataclass(frozen=True)
class Gradient(Propagation):
    """``∂f_k/∂A``, signed, channels kept: ``[B,c,h,w]`` at a layer with activation ``A``.

    At ``input``, ``A`` is the normalised picture. Simonyan et al. take the largest absolute value over the channels;
    here the sign stays, as the layer choice study (P1) sums channels.
    """

    title: ClassVar[str] = "Gradient"
    source: ClassVar[str] = (
        "Simonyan, Vedaldi, Zisserman. Deep inside convolutional networks: visualising image classification models and "
        "saliency maps. ICLR workshop 2014."
    )

    def read(self, activation: Tensor, signal: Tensor) -> Tensor:
        """The gradient itself."""
        return signal
