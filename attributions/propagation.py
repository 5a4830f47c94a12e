"""The family of rules that one backward pass makes: what each module does with the signal, what a layer reads."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor

from peephole.attributions.canonical import Canonical
from peephole.attributions.rule import Rule
from peephole.attributions.way import Handlers, Way

if TYPE_CHECKING:
    from peephole.attributions.question import Question


class Propagation(Rule):
    """A rule that declares what it changes in the backward pass, and how it reads what arrives at a layer.

    Attributes:
        folded: whether it works on the network with batch normalisation folded into convolutions. For the chain rule
            the two are the same, and the folded one is cheaper.
    """

    folded: ClassVar[bool] = True

    def handlers(self) -> Handlers:
        """For each type of module what handles its call sites; the chain rule for all others."""
        return {}

    def way(self, model: Canonical) -> Way:
        """The way back through ``model``."""
        return Way.of(self.handlers())

    @abstractmethod
    def read(self, activation: Tensor, signal: Tensor) -> Tensor:
        """The map at a layer, from its activation and what arrived there, both ``[B,c,h,w]``."""

    def explain(self, question: Question, layers: Sequence[str]) -> dict[str, Tensor]:
        """The map of every layer, from one forward and one backward pass."""
        graph = question.graph(folded=self.folded)
        arrived = question.arrived(self.way(graph), folded=self.folded)
        return {layer: self.read(question.activation(layer, folded=self.folded), arrived[layer]) for layer in layers}
