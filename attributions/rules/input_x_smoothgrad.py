"""Activation times SmoothGrad (the layer choice study, P1, section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from peephole.attributions.base import ATTRIBUTIONS, Attribution
from peephole.attributions.rule import Rule
from peephole.attributions.rules.smoothgrad import SmoothGrad

if TYPE_CHECKING:
    from peephole.attributions.question import Question


@ATTRIBUTIONS.register
@dataclass(frozen=True)
class InputXSmoothGrad(Rule):
    """``A ⊙ r`` with ``r`` the map of `smoothgrad` and ``A`` the activation without noise; ``[B,c,h,w]``.

    P1 multiplies by the activation because only the product speaks of setting values to zero (section 4.2).

    Attributes:
        samples, noise, squared, seed: as `smoothgrad` has them.
    """

    title: ClassVar[str] = "Input×SmoothGrad"
    source: ClassVar[str] = (
        "Delve into the layer choice of BP-based attribution explanations, section 3.2; rule of Smilkov et al., "
        "arXiv:1706.03825, 2017."
    )

    samples: Annotated[int, Field(ge=1)] = 25
    noise: Annotated[float, Field(ge=0)] = 0.15
    squared: bool = False
    seed: int = 0

    def uses(self) -> tuple[Attribution, ...]:
        """SmoothGrad with the same options."""
        return (SmoothGrad(self.samples, self.noise, self.squared, self.seed),)

    def explain(self, question: Question, layers: Sequence[str]) -> dict[str, Tensor]:
        """The activation times what SmoothGrad answers."""
        (smoothgrad,) = self.uses()
        maps = question.maps(smoothgrad, layers)
        return {layer: question.activation(layer) * maps[layer] for layer in layers}
