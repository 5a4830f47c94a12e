"""The deconvolutional network's way back (Zeiler & Fergus 2014)."""

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


def rectified(step: Step, signal: Tensor) -> tuple[Tensor]:
    """``max(signal, 0)``, whether or not the ReLU was on."""
    return (signal.relu(),)


@ATTRIBUTIONS.register
@dataclass(frozen=True)
class Deconv(Propagation):
    """The gradient with every ReLU applied to the signal instead of the input: ``r_{l−1} = W_l max(r_l, 0)``.

    Max-pools send the signal to the largest input, the paper's switches. The paper starts from one unit of a middle
    layer; here, as in every later comparison (Springenberg et al. 2015, Captum, iNNvestigate), from the target's logit.
    Batch normalisation, residual sums, gates and attention keep the plain gradient. A ReLU with a ceiling, such as
    ReLU6, hands on ``max(r, 0)`` as any ReLU does. Networks with other activations are refused: there the rule would
    be the gradient. Signed, channels kept: ``[B,c,h,w]``; not multiplied by the activation.

    Attributes:
        activation: ``"any"`` applies the ReLU to the signal at every activation.
    """

    title: ClassVar[str] = "Deconvnet"
    source: ClassVar[str] = "Zeiler, Fergus. Visualizing and understanding convolutional networks. ECCV 2014."

    activation: Activations = "relu"

    def handlers(self) -> Handlers:
        """`rectified` at every activation that counts."""
        return at_activations(rectified, self.activation)

    def undefined(self) -> Undefined:
        """Activations that are no ReLU, unless they count."""
        return domain(self.activation)

    def read(self, activation: Tensor, signal: Tensor) -> Tensor:
        """What arrived."""
        return signal
