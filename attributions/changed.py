"""The base of rules that are another rule with the signal changed at one layer."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from torch import Tensor

from peephole.attributions.canonical import Canonical
from peephole.attributions.domains import Undefined
from peephole.attributions.propagation import Folding, Propagation
from peephole.attributions.way import Change, Way
from peephole.errors import PeepholeError

if TYPE_CHECKING:
    from peephole.attributions.question import Question


class Changed(Propagation):
    """A rule of one backward pass whose signal is changed at one layer. It has maps there and below, none above.

    Attributes:
        method: the rule.
        layer: the cut point's name; the network's last layer if None.
    """

    method: Propagation
    layer: str | None

    @abstractmethod
    def change(self) -> Change:
        """What becomes of the signal at the layer."""

    @property
    def folding(self) -> Folding:  # type: ignore[override]
        """As the rule."""
        return self.method.folding

    def undefined(self) -> Undefined:
        """As the rule."""
        return self.method.undefined()

    def compares_pictures_numbers(self) -> bool:
        """As the rule, and perhaps at the layer."""
        return True

    def cuts(self) -> tuple[str, ...]:
        """The layer, and those of the rule."""
        return (*(() if self.layer is None else (self.layer,)), *self.method.cuts())

    def layers(self, model: Canonical) -> tuple[str, ...]:
        """The layer and those below."""
        top = model.depth(self.layer or model.layers[-1])
        return tuple(layer for layer in model.layers if model.depth(layer) <= top)

    def way(self, model: Canonical) -> Way:
        """The rule's way with one more change."""
        way = self.method.way(model)
        return replace(way, changes=(*way.changes, (self.layer or model.layers[-1], self.change())))

    def explain(self, question: Question, layers: Sequence[str]) -> dict[str, Tensor]:
        """As any propagation.

        Raises:
            PeepholeError: one of ``layers`` lies above the layer.
        """
        model, top = question.model, self.layer or question.model.layers[-1]
        above = [layer for layer in layers if model.depth(layer) > model.depth(top)]
        if above:
            raise PeepholeError(
                f"there is no map at '{above[0]}', which lies above '{top}'; ask for layers up to that."
            )
        return super().explain(question, layers)

    def read(self, activation: Tensor, signal: Tensor) -> Tensor:
        """As the rule reads."""
        return self.method.read(activation, signal)
