"""A layer's activation sent back in place of the signal, then any rule below it (P2 section V-A)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from pydantic.dataclasses import dataclass
from torch import Tensor

from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.canonical import Canonical
from peephole.attributions.combining import OnePass, refuse_above, up_to
from peephole.attributions.propagation import Folding, Propagation
from peephole.attributions.rules.guided_backprop import GuidedBackprop
from peephole.attributions.way import Way

if TYPE_CHECKING:
    from peephole.attributions.question import Question


def to_activation(activation: Tensor, signal: Tensor) -> Tensor:
    """The activation, whatever arrived."""
    return activation.clone()


@ATTRIBUTIONS.register
@dataclass(frozen=True)
class FromActivation(Propagation):
    """``r_L = A_L`` at one layer, and a rule from there down: what of the picture the layer still knows; ``[B,c,h,w]``.

    P2 compares it layer by layer to see where the network loses what it needed. No map depends on the target. There
    are maps at the layer and below it, none above.

    Attributes:
        method: the rule below the layer.
        layer: its name; the network's last if not given.
    """

    title: ClassVar[str] = "From activation"
    source: ClassVar[str] = (
        "Zheng, Sang, Xu. Unifying perplexing behaviors in modified BP attributions through alignment perspective. "
        "Section V-A."
    )

    method: OnePass = GuidedBackprop()
    layer: str | None = None

    @property
    def folding(self) -> Folding:  # type: ignore[override]
        """As the rule below."""
        return self.method.folding

    def cuts(self) -> tuple[str, ...]:
        """The layer, and those of the rule."""
        return (*(() if self.layer is None else (self.layer,)), *self.method.cuts())

    def layers(self, model: Canonical) -> tuple[str, ...]:
        """The layer and those below."""
        return up_to(model, self.layer)

    def way(self, model: Canonical) -> Way:
        """The rule's way with the signal replaced at the layer."""
        way = self.method.way(model)
        return replace(way, changes=(*way.changes, (self.layer or model.layers[-1], to_activation)))

    def explain(self, question: Question, layers: Sequence[str]) -> dict[str, Tensor]:
        """As any propagation; above the layer there is nothing to say."""
        refuse_above(question.model, self.layer, layers)
        return super().explain(question, layers)

    def read(self, activation: Tensor, signal: Tensor) -> Tensor:
        """As the rule reads."""
        return self.method.read(activation, signal)
