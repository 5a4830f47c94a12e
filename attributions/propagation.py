"""The family of rules that one backward pass makes: what each module does with the signal, what a layer reads."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from enum import Enum, auto
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor

from peephole.attributions.canonical import Canonical
from peephole.attributions.maps import Maps
from peephole.attributions.rule import Rule
from peephole.attributions.way import Handlers, Way
from peephole.errors import PeepholeError

if TYPE_CHECKING:
    from peephole.attributions.question import Question


class Folding(Enum):
    """Whether batch normalisation is folded: if it can be, always (folded weights share relevance), or never."""

    MAY = auto()
    MUST = auto()
    NEVER = auto()


class Propagation(Rule):
    """A rule that declares what it changes in the backward pass, and how it reads what arrives at a layer.

    Attributes:
        folding: whether it works on the network with batch normalisation folded into convolutions. For the chain rule
            the two are the same, and the folded one is cheaper.
    """

    folding: ClassVar[Folding] = Folding.MAY

    def handlers(self) -> Handlers:
        """For each type of module what handles its call sites; the chain rule for all others."""
        return {}

    def way(self, model: Canonical) -> Way:
        """The way back through ``model``."""
        return Way.of(self.handlers())

    def whole(self, logits: Tensor, target: Tensor) -> Tensor | None:
        """What the rule hands down, ``[B]``, from logits ``[B,classes]``; None if it promises no sum."""
        return None

    @abstractmethod
    def read(self, activation: Tensor, signal: Tensor) -> Tensor:
        """The map at a layer, from its activation and what arrived there, both ``[B,c,h,w]``."""

    def explain(self, question: Question, layers: Sequence[str]) -> dict[str, Tensor]:
        """The map of every layer, from one forward and one backward pass."""
        folded = self.is_folded(question)
        arrived = question.arrived(self.way(question.graph(folded=folded)), folded=folded)
        maps = {
            layer: self._own(self.read(question.activation(layer, folded=folded), arrived[layer]), arrived[layer])
            for layer in layers
        }
        return Maps(maps, self.whole(question.tape(folded=folded).logits, question.target))

    def cuts(self) -> tuple[str, ...]:
        """The cut points that the way back names."""
        return ()

    def is_folded(self, question: Question) -> bool:
        """Whether the question's maps come from the folded network.

        Raises:
            PeepholeError: they must, but folding swallows a cut point that is asked for.
        """
        if self.folding is Folding.NEVER:
            return False
        swallowed = set(self.cuts() + question.layers).intersection(question.model.cuts) - question.folded_cuts
        if swallowed and self.folding is Folding.MUST:
            raise PeepholeError(
                f"{self.title} folds batch normalisation into the convolution before it, and then there is no "
                f"'{sorted(swallowed)[0]}'; name one of the layers {', '.join(question.model.layers)}."
            )
        return not swallowed

    @staticmethod
    def _own(values: Tensor, arrived: Tensor) -> Tensor:
        """What arrived serves other rules too: a map that is just that gets memory of its own."""
        return values.clone() if values is arrived else values
