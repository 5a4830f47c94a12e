"""A way back through a network: what starts at the logits, and what each call site does with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from peephole.attributions.operations import Operation
from peephole.attributions.tape import Handler, Step, Tape

Handlers = Mapping[Operation, Handler]
"""For each operation what handles its call sites. Operations not named keep the chain rule."""


Change = Callable[[Tensor, Tensor], Tensor]
"""From the activation at a cut point and the signal that arrived there to the signal that goes on."""


def one_hot(logits: Tensor, target: Tensor) -> Tensor:
    """One at each picture's target, ``[B,classes]``: what the gradient of the target's logit starts with."""
    return torch.zeros_like(logits).scatter_(1, target[:, None], 1)


def logit_of(logits: Tensor, target: Tensor) -> Tensor:
    """The logit of each picture's target, ``[B]``."""
    return logits.gather(1, target[:, None])[:, 0]


@dataclass(frozen=True)
class Way:
    """A way back. Equal ways need to be gone once.

    The signal of every rule is a *coefficient* ``r``, as the gradient is: the relevance of a value ``A`` is ``A ⊙ r``.
    So any two rules can be mixed, and by the plain chain rule a sum hands each branch the signal whole, which splits
    its relevance in proportion to the branches.

    Attributes:
        parts: from the top down, how many call sites lie below a part, and its handlers; the last begins at 0.
        start: from logits ``[B,classes]`` and targets ``[B]`` to the signal at the logits.
        changes: by the name of a cut point, what becomes of the signal there, one after the other.
        readers: by the name of a cut point, what handles every site that reads it, whatever its module.
    """

    parts: tuple[tuple[int, tuple[tuple[Operation, Handler], ...]], ...]
    start: Callable[[Tensor, Tensor], Tensor] = one_hot
    changes: tuple[tuple[str, Change], ...] = ()
    readers: tuple[tuple[str, Handler], ...] = ()

    @classmethod
    def of(cls, handlers: Handlers, start: Callable[[Tensor, Tensor], Tensor] = one_hot) -> Way:
        """The same handlers everywhere."""
        return cls(((0, tuple(handlers.items())),), start)

    def go(self, tape: Tape, target: Tensor, layers: tuple[str, ...]) -> dict[str, Tensor]:
        """The signal that arrives at each of ``layers``, all of which lie on the tape."""
        numbers = {tape.model.cut(layer).value: layer for layer in layers}
        changes: dict[int, list[tuple[str, Change]]] = {}
        for name, changed in self.changes:
            changes.setdefault(tape.model.cut(name).value, []).append((name, changed))
        readers = {tape.model.cut(name).value: handler for name, handler in self.readers}
        parts = [(depth, dict(handlers)) for depth, handlers in self.parts]

        def choose(step: Step) -> Handler | None:
            for value, handler in readers.items():
                if any(value == number for number, _ in step.leaves):
                    return handler
            handlers = next(handlers for depth, handlers in parts if step.position >= depth)
            return handlers.get(step.site.operation)

        def change(value: int, signal: Tensor) -> Tensor:
            for name, changed in changes.get(value, ()):
                signal = changed(tape.activation(name), signal)
            return signal

        signal = self.start(tape.logits, target)
        found = tape.back(signal, choose, keep=numbers, change=change)
        # A network that detaches a tensor has no signal below it: zeros, as for any value that changes nothing.
        signals = {
            layer: found[value] if value in found else torch.zeros_like(tape.activation(layer))
            for value, layer in numbers.items()
        }
        return _own_memory(signals)


def _own_memory(signals: dict[str, Tensor]) -> dict[str, Tensor]:
    """The chain rule hands a tensor through a sum as it is: two layers must not end up with the same memory."""
    seen: set[int] = set()
    for layer, signal in signals.items():
        if signal.untyped_storage().data_ptr() in seen:
            signals[layer] = signal.clone()
        seen.add(signals[layer].untyped_storage().data_ptr())
    return signals
