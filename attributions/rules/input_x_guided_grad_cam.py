"""Activation times Guided Grad-CAM (the layer choice study, P1, section 4.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic.dataclasses import dataclass
from torch import Tensor

from peephole.attributions.base import ATTRIBUTIONS, Attribution
from peephole.attributions.rectifiers import Activations
from peephole.attributions.rule import Rule
from peephole.attributions.rules.guided_grad_cam import GuidedGradCam

if TYPE_CHECKING:
    from peephole.attributions.question import Question


@ATTRIBUTIONS.register
@dataclass(frozen=True)
class InputXGuidedGradCam(Rule):
    """``A ⊙ r`` with ``r`` what `guided_grad_cam` gives; signed, channels kept: ``[B,c,h,w]``.

    P1 multiplies Guided Grad-CAM by the input, as it does SmoothGrad and Guided Backprop, since only the product speaks
    of setting values to zero (section 4.2). At ``input``, ``A`` is the normalised picture.

    Attributes:
        interpolation, activation: as `guided_grad_cam` has them.
    """

    title: ClassVar[str] = "Input×Guided Grad-CAM"
    source: ClassVar[str] = (
        "Delve into the layer choice of BP-based attribution explanations, section 4.2; rule of Selvaraju et al., "
        "Grad-CAM: visual explanations from deep networks via gradient-based localization, ICCV 2017."
    )

    interpolation: Literal["bilinear", "nearest"] = "bilinear"
    activation: Activations = "relu"

    def uses(self) -> tuple[Attribution, ...]:
        """Guided Grad-CAM with the same option."""
        return (GuidedGradCam(self.interpolation, self.activation),)

    def explain(self, question: Question, layers: Sequence[str]) -> dict[str, Tensor]:
        """The activation times what Guided Grad-CAM answers."""
        (guided,) = self.uses()
        maps = question.maps(guided, layers)
        return {layer: question.activation(layer) * maps[layer] for layer in layers}
