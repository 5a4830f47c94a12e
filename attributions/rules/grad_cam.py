"""Grad-CAM at any layer (Selvaraju et al. 2017)."""

from __future__ import annotations

from typing import ClassVar

from pydantic.dataclasses import dataclass
from torch import Tensor

from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.propagation import Propagation


@ATTRIBUTIONS.register
@dataclass(frozen=True)
class GradCam(Propagation):
    """``Σ_c α_c A_c`` with ``α_c`` the mean over all places of ``∂f_k/∂A_c``: one channel, ``[B,1,h,w]``.

    The paper takes the last convolutional layer, a ReLU of the sum, and enlarges it to the picture. Here every layer
    can be asked for, and the map keeps its sign and its size: ReLU and up-sampling are the benchmark's, the same for
    every rule. At ``input`` the channels are those of the normalised picture.
    """

    title: ClassVar[str] = "Grad-CAM"
    source: ClassVar[str] = (
        "Selvaraju, Cogswell, Das, Vedantam, Parikh, Batra. Grad-CAM: visual explanations from deep networks via "
        "gradient-based localization. ICCV 2017."
    )

    def read(self, activation: Tensor, signal: Tensor) -> Tensor:
        """Channels weighted by their mean gradient, and summed."""
        return (signal.mean((2, 3), keepdim=True) * activation).sum(1, keepdim=True)
