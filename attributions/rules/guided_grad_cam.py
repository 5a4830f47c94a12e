"""Guided Grad-CAM (Selvaraju et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

import torch.nn.functional as F
from pydantic.dataclasses import dataclass
from torch import Tensor

from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.domains import Undefined
from peephole.attributions.rectifiers import Activations, domain
from peephole.attributions.rule import Rule
from peephole.attributions.rules.grad_cam import GradCam
from peephole.attributions.rules.guided_backprop import GuidedBackprop
from peephole.errors import PeepholeError

if TYPE_CHECKING:
    from peephole.attributions.question import Question


@ATTRIBUTIONS.register
@dataclass(frozen=True)
class GuidedGradCam(Rule):
    """``r ⊙ up(σ(CAM))``: guided backpropagation at the layer, times Grad-CAM of the network's last layer.

    ``[B,c,h,w]``, channels kept. At ``input`` it is the authors' method; at a layer in between, guided backpropagation
    stops there and the last layer's Grad-CAM is enlarged to that layer's size.

    Attributes:
        interpolation: how Grad-CAM is enlarged. The authors' code does it bilinearly, Captum takes the nearest value.
        activation: as `guided_backprop` has it.
    """

    title: ClassVar[str] = "Guided Grad-CAM"
    source: ClassVar[str] = (
        "Selvaraju, Cogswell, Das, Vedantam, Parikh, Batra. Grad-CAM: visual explanations from deep networks via "
        "gradient-based localization. ICCV 2017, section 3.2."
    )

    interpolation: Literal["bilinear", "nearest"] = "bilinear"
    activation: Activations = "relu"

    def undefined(self) -> Undefined:
        """As guided backpropagation."""
        return domain(self.activation)

    def explain(self, question: Question, layers: Sequence[str]) -> dict[str, Tensor]:
        """Two ways back, shared with the rules that they come from."""
        top = question.model.layers[-1]
        if top not in question.reach:
            raise PeepholeError(f"guided_grad_cam has maps up to the last layer, '{top}'; ask for layers up to that.")
        cam = question.maps(GradCam(), (top,))[top].relu()
        guided = question.maps(GuidedBackprop(self.activation), layers)
        corners = False if self.interpolation == "bilinear" else None
        return {
            layer: signal * F.interpolate(cam, signal.shape[2:], mode=self.interpolation, align_corners=corners)
            for layer, signal in guided.items()
        }
