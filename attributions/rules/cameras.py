"""CAMERAS (Jalwana et al. 2021), at any layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.rule import Rule
from peephole.attributions.tape import Tape
from peephole.attributions.way import Way
from peephole.errors import PeepholeError

if TYPE_CHECKING:
    from peephole.attributions.question import Question


@ATTRIBUTIONS.register
@dataclass(frozen=True)
class Cameras(Rule):
    """``Σ_c mean(A_c) ⊙ mean(∂f_k/∂A_c)``, means over the picture shown at several sizes: ``[B,1,H,W]``.

    The authors' code shows a picture of 224 at 224, 324, … 924, the first as it is and the others enlarged bicubically,
    enlarges activations and gradients bilinearly to the picture, averages each, multiplies and sums. It then cuts off
    the negative part and brings the rest to [0,1], which here is the benchmark's business. A smaller picture is shown
    in the same proportions. The map has the picture's size, whatever the layer's. The network must take larger ones.

    Attributes:
        smallest, largest, step: the sizes in pixels if the picture's side were 224; ``largest`` is not reached.
    """

    title: ClassVar[str] = "CAMERAS"
    source: ClassVar[str] = (
        "Jalwana, Akhtar, Bennamoun, Mian. CAMERAS: enhanced resolution and sanity preserving class activation mapping "
        "for image saliency. CVPR 2021."
    )

    smallest: Annotated[int, Field(ge=1)] = 224
    largest: Annotated[int, Field(ge=1)] = 1000
    step: Annotated[int, Field(ge=1)] = 100

    def __post_init__(self) -> None:
        if self.largest <= self.smallest:
            raise ValueError(f"largest={self.largest} should be above smallest={self.smallest}")

    def explain(self, question: Question, layers: Sequence[str]) -> dict[str, Tensor]:
        """One forward and one backward pass a size, for all layers together."""
        model = question.graph(folded=True)
        start = model.layers[0]
        with torch.no_grad():
            picture: Tensor = model.run(question.pictures(), until=start)[0]
        sides = picture.shape[2:]
        sizes = range(self.smallest, self.largest, self.step)
        activation = {layer: torch.zeros(()) for layer in layers}
        gradient = dict(activation)
        for size in sizes:
            shown = [round(side * size / 224) for side in sides]
            tape = _tape(question, picture if shown == list(sides) else _resized(picture, shown, "bicubic"))
            arrived = Way.of({}).go(tape, question.target, tuple(layers))
            for layer in layers:
                activation[layer] = activation[layer] + _resized(
                    model.picture(layer, tape.activation(layer)), sides, "bilinear"
                ) / len(sizes)
                gradient[layer] = gradient[layer] + _resized(
                    model.picture(layer, arrived[layer]), sides, "bilinear"
                ) / len(sizes)
        return {layer: (activation[layer] * gradient[layer]).sum(1, keepdim=True) for layer in layers}


def _tape(question: Question, picture: Tensor) -> Tape:
    model = question.graph(folded=True)
    try:
        return Tape(model, picture, model.layers[0])
    except (RuntimeError, ValueError) as error:
        height, width = picture.shape[2:]
        raise PeepholeError(
            f"the network does not take pictures of {height}×{width}, which cameras shows it "
            f"({str(error).splitlines()[0][:120]}); leave cameras out."
        ) from error


def _resized(values: Tensor, size: Sequence[int], mode: str) -> Tensor:
    return F.interpolate(values, tuple(size), mode=mode, align_corners=False)
