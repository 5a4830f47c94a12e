"""One question to a network, and what has been worked out to answer it: rules that ask the same share the passes."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import partial

import torch
from torch import Tensor

from peephole.attributions.base import Attribution
from peephole.attributions.canonical import Canonical
from peephole.attributions.folding import fold_batch_norm
from peephole.attributions.layout import for_convolutions
from peephole.attributions.ledger import Ledger
from peephole.attributions.refusal import refuse_undefined
from peephole.attributions.rule import Rule
from peephole.attributions.tape import Tape
from peephole.attributions.validation import check_call
from peephole.attributions.way import Way


class Question:
    """Why do these pictures get these labels, seen from these layers?

    Args:
        model: a canonical graph.
        x: float ``[B,C,H,W]`` in [0,1].
        target: int64 ``[B]``.
        layers: names of cut points.

    Raises:
        PeepholeError: see `peephole.attributions.validation.check_call`.
    """

    def __init__(self, model: Canonical, x: Tensor, target: Tensor, layers: Sequence[str]) -> None:
        check_call(model, x, target, layers)
        self.model, self.x, self.target = model, x, target
        self.layers = tuple(dict.fromkeys(layers))
        lowest = min(self.layers, key=model.depth)
        self.reach = tuple(layer for layer in model.layers if model.depth(layer) >= model.depth(lowest))
        """All layers of the network from the lowest of the question up."""
        self._lowest = lowest
        self._ledger = Ledger(partial(torch.cuda.synchronize, x.device) if x.is_cuda else lambda: None)

    def maps(self, method: Attribution, layers: Sequence[str] | None = None) -> dict[str, Tensor]:
        """What ``method`` answers, at the question's layers or at others of its `reach`."""
        asked = self.layers if layers is None else tuple(layers)
        return self._ledger.once((_key(method), asked), partial(self._answer, method, asked))

    def seconds(self, method: Attribution, layers: Sequence[str] | None = None) -> float:
        """What the answer of ``method`` took, with all passes that it needs, as if they had not been shared."""
        return self._ledger.seconds((_key(method), self.layers if layers is None else tuple(layers)))

    def forget(self, method: Attribution, layers: Sequence[str]) -> None:
        """Let go of the maps of ``method``. The passes stay."""
        self._ledger.forget((_key(method), tuple(layers)))

    @property
    def classes(self) -> int:
        """How many labels the network has."""
        return self.model.shapes[self.model.cuts[-1]][0]

    def graph(self, *, folded: bool) -> Canonical:
        """The network, with batch normalisation folded if it is to be and every layer of the question remains."""
        if not folded:
            return self.model
        graph = self._folded()
        return graph if set(self.layers) <= set(graph.cuts) else self.model

    @property
    def folded_cuts(self) -> frozenset[str]:
        """The cut points that remain when batch normalisation is folded."""
        return frozenset(self._folded().cuts)

    def tape(self, *, folded: bool = True) -> Tape:
        """The forward pass from the question's lowest layer up."""
        graph = self.graph(folded=folded)
        return self._ledger.once(("tape", graph is self.model), lambda: Tape(graph, self._start(), self._lowest))

    def activation(self, layer: str, *, folded: bool = True) -> Tensor:
        """The network's tensor at a layer as a picture, ``[B,c,h,w]``."""
        return self.model.picture(layer, self.state(layer, folded=folded))

    def state(self, layer: str, *, folded: bool = True) -> Tensor:
        """The same with the axes that the network has, and all that it holds: what the part above the layer takes."""
        return self.tape(folded=folded).activation(layer)

    def arrived(self, way: Way, *, folded: bool = True) -> dict[str, Tensor]:
        """What arrives on a way back at each of the question's layers and of its `reach`, as pictures."""
        layers = tuple(dict.fromkeys((*self.layers, *self.reach)))
        tape = self.tape(folded=folded)
        return self._ledger.once(
            (way, tape.model is self.model),
            lambda: {
                layer: self.model.picture(layer, signal) for layer, signal in way.go(tape, self.target, layers).items()
            },
        )

    def pictures(self) -> Tensor:
        """The pictures in the memory layout in which the network is fastest."""
        return for_convolutions(self.x, channels_last=self.model.channels_last)

    def _folded(self) -> Canonical:
        return self._ledger.once("folded graph", partial(fold_batch_norm, self.model))

    def _start(self) -> Tensor:
        def run() -> Tensor:
            with torch.no_grad():
                start: Tensor = self.model.run(self.pictures(), until=self._lowest)[0]
            return start

        return self._ledger.once("start", run)

    def _answer(self, method: Attribution, layers: tuple[str, ...]) -> dict[str, Tensor]:
        if isinstance(method, Rule):
            refuse_undefined(method, self.model, layers)
            return method.explain(self, layers)
        return method.attribute(self.model, self.x, self.target, layers)


def _key(method: Attribution) -> Hashable:
    """Equal rules are one; a method that cannot be compared is itself only."""
    return method if isinstance(method, Hashable) else id(method)


def uses_of(method: Attribution) -> tuple[Attribution, ...]:
    """The methods whose maps ``method`` asks a question for."""
    return method.uses() if isinstance(method, Rule) else ()
