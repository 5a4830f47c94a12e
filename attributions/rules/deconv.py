"""The deconvolutional network's way back (Zeiler & Fergus 2014)."""

from __future__ import annotations

from typing import ClassVar

from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.propagation import Propagation
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
    Batch normalisation, residual sums and other activations keep the plain gradient. Signed, channels kept:
    ``[B,c,h,w]``; not multiplied by the activation.
    """

    title: ClassVar[str] = "Deconvnet"
    source: ClassVar[str] = "Zeiler, Fergus. Visualizing and understanding convolutional networks. ECCV 2014."

    def handlers(self) -> Handlers:
        """`rectified` at every ReLU."""
        return {nn.ReLU: rectified}

    def read(self, activation: Tensor, signal: Tensor) -> Tensor:
        """What arrived."""
        return signal
