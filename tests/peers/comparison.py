"""One line of the comparison with other libraries: what is compared, where, how far apart the maps are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from subjects import Subject
from torch import Tensor

from peephole.attributions.canonical import Canonical
from peephole.attributions.methods import build

Maps = Mapping[str, Tensor]
Peer = Callable[[Subject, Sequence[str]], Maps]
"""A library's maps at some layers of a subject."""


def everywhere(model: Canonical) -> Sequence[str]:
    """All layers."""
    return model.layers


def last(model: Canonical) -> Sequence[str]:
    """The layer below the head."""
    return model.layers[-1:]


def only(*names: str) -> Callable[[Canonical], Sequence[str]]:
    """Some layers by name."""
    return lambda model: [model.layers[model.layers.index(name)] for name in names]


def since(name: str) -> Callable[[Canonical], Sequence[str]]:
    """A layer and those above it."""
    return lambda model: model.layers[model.layers.index(name) :]


def below(name: str) -> Callable[[Canonical], Sequence[str]]:
    """The layers below one."""
    return lambda model: model.layers[: model.layers.index(name)]


def as_it_is(values: Tensor, subject: Subject) -> Tensor:
    """Our map, not changed before it is compared."""
    return values


def nothing(subject: Subject, ours: Maps, theirs: Maps) -> str:
    """No remark."""
    return ""


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
        shown: what is made of our map because the library makes it of its own.
        remark: what else there is to say, from both libraries' maps.
    """

    subject: str
    ours: str
    peer: str
    maps: Peer
    layers: Callable[[Canonical], Sequence[str]] = everywhere
    tolerance: float = 1e-5
    differs: str = ""
    shown: Callable[[Tensor, Subject], Tensor] = as_it_is
    remark: Callable[[Subject, Maps, Maps], str] = nothing

    def both(self, subject: Subject) -> tuple[Maps, Maps]:
        """Our maps and theirs."""
        layers = tuple(self.layers(subject.model))
        found = subject.question.maps(build(self.ours), layers)
        theirs = self.maps(subject, layers)
        return (
            {layer: self.shown(found[layer], subject) for layer in layers},
            {layer: theirs[layer].detach() for layer in layers},
        )

    def as_expected(self, difference: float) -> bool:
        """Whether the maps agree where they must, and differ where that is known."""
        return (difference <= self.tolerance) is not bool(self.differs)


def largest_difference(ours: Maps, theirs: Maps) -> float:
    """The largest ``max|ours − theirs| / max|theirs|`` of any picture at any layer; infinite for NaN."""
    worst = 0.0
    for layer, expected in theirs.items():
        assert ours[layer].shape == expected.shape, (layer, ours[layer].shape, expected.shape)
        apart = (ours[layer].to(expected) - expected).abs().flatten(1).amax(1)
        worst = max(worst, float((apart / expected.abs().flatten(1).amax(1)).nan_to_num(nan=torch.inf).max()))
    return worst


def correlation(subject: Subject, ours: Maps, theirs: Maps) -> str:
    """Pearson's, each picture by itself."""
    found = [
        float(torch.corrcoef(torch.stack([one.flatten(), other.flatten().to(one)]))[0, 1])
        for layer in theirs
        for one, other in zip(ours[layer], theirs[layer], strict=True)
    ]
    return f"correlation {_span(found)}"


def sums(subject: Subject, ours: Maps, theirs: Maps) -> str:
    """What a layer's relevance sums to, as a share of the logit."""
    shares = ([float(share) for share in (maps_sum(found) / subject.logit).flatten()] for found in (ours, theirs))
    return "Σ/f: ours {}, theirs {}".format(*map(_span, shares))


def gaps(subject: Subject, ours: Maps, theirs: Maps) -> str:
    """By how much a layer's sum misses what the logit gained over a zero activation."""
    return "misses the gain by: ours {:.0e}, theirs {:.0e}".format(*(gap(subject, found) for found in (ours, theirs)))


def maps_sum(maps: Maps) -> Tensor:
    """``[layers,B]``."""
    return torch.stack([values.sum((1, 2, 3)) for values in maps.values()])


def gap(subject: Subject, maps: Maps) -> float:
    """The largest ``|Σ R − (f(A) − f(0))| / |f(A) − f(0)|``."""
    with torch.no_grad():
        zeros = [
            subject.logit_of(subject.model.run(torch.zeros_like(subject.activations[layer]), after=layer)[0])
            for layer in maps
        ]
    gained = subject.logit - torch.stack(zeros)
    return float(((maps_sum(maps) - gained) / gained).abs().max())


def _span(values: Sequence[float]) -> str:
    low, high = f"{min(values):.3f}", f"{max(values):.3f}"
    return low if low == high else f"{low}–{high}"
