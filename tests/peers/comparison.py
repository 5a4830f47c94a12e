"""One line of the comparison with other libraries: what is compared, where, how far apart the maps are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from measures import Maps, nothing
from subjects import Subject
from torch import Tensor

from peephole.attributions.methods import build

Peer = Callable[[Subject, Sequence[str]], Maps]
"""A library's maps at some layers of a subject."""


Choice = Callable[[Subject], Sequence[str]]
"""Some of a subject's layers."""


def everywhere(subject: Subject) -> Sequence[str]:
    """All layers."""
    return subject.model.layers


def last(subject: Subject) -> Sequence[str]:
    """The layer below the head."""
    return subject.model.layers[-1:]


def stock(subject: Subject) -> Sequence[str]:
    """Those that are the output of a module of the stock network."""
    return subject.stock_layers


def only(*names: str) -> Choice:
    """Some layers by name."""
    return lambda subject: [layer for layer in subject.model.layers if layer in names]


def since(name: str) -> Choice:
    """A layer and those above it."""
    return lambda subject: subject.model.layers[subject.model.layers.index(name) :]


def below(name: str) -> Choice:
    """The layers below one."""
    return lambda subject: subject.model.layers[: subject.model.layers.index(name)]


def as_it_is(values: Tensor, subject: Subject) -> Tensor:
    """Our map, not changed before it is compared."""
    return values


@dataclass(frozen=True)
class Comparison:
    """What must agree, or must differ for a reason.

    Attributes:
        subject: which network.
        ours: our method's text.
        peer: the library's call, as people would write it.
        maps: the call.
        layers: where.
        tolerance: how far a picture's maps may be apart, as a share of the largest value of the peer's.
        differs: why the two are not the same; empty if they must be.
        dtype: double where rounding decides, at the kinks of ReLUs and in small denominators.
        slow: takes longer than a test should.
        shown: what is made of our map because the library makes it of its own.
        remark: what else there is to say, from both libraries' maps.
    """

    subject: str
    ours: str
    peer: str
    maps: Peer
    layers: Choice = everywhere
    tolerance: float = 1e-5
    differs: str = ""
    dtype: torch.dtype = torch.float32
    slow: bool = False
    shown: Callable[[Tensor, Subject], Tensor] = as_it_is
    remark: Callable[[Subject, Maps, Maps], str] = nothing

    def both(self, subject: Subject) -> tuple[Maps, Maps]:
        """Our maps and theirs."""
        layers = tuple(self.layers(subject))
        found = subject.question.maps(build(self.ours), layers)
        theirs = self.maps(subject, layers)
        return (
            {layer: self.shown(found[layer], subject) for layer in layers},
            {layer: theirs[layer].detach() for layer in layers},
        )

    def as_expected(self, difference: float) -> bool:
        """Whether the maps agree where they must, and differ where that is known."""
        return self.tolerance < difference < torch.inf if self.differs else difference <= self.tolerance
