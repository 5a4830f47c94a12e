"""How far two libraries' maps are apart, and what else there is to say of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from subjects import Subject
from torch import Tensor

Maps = Mapping[str, Tensor]
"""A map ``[2,c,h,w]`` for each layer."""


def nothing(subject: Subject, ours: Maps, theirs: Maps) -> str:
    """No remark."""
    return ""


def largest_difference(ours: Maps, theirs: Maps) -> float:
    """The largest ``max|ours − theirs| / max|theirs|`` of any picture at any layer; infinite for NaN, other shapes."""
    worst = 0.0
    for layer, expected in theirs.items():
        found = ours[layer].to(expected)
        if found.shape != expected.shape:
            return torch.inf
        apart, size = (values.abs().flatten(1).amax(1) for values in (found - expected, expected))
        # Both may be zero: class activation maps are where all is negative.
        share = apart / size.clamp(min=torch.finfo(size.dtype).tiny)
        worst = max(worst, float(share.nan_to_num(nan=torch.inf, posinf=torch.inf).max()))
    return worst


def correlation(subject: Subject, ours: Maps, theirs: Maps) -> str:
    """Pearson's, each picture by itself."""
    found = [
        [
            float(torch.corrcoef(torch.stack([one.flatten(), other.flatten().to(one)]))[0, 1])
            for one, other in zip(ours[layer], theirs[layer], strict=True)
        ]
        for layer in theirs
    ]
    return f"correlation {_span(found)}"


def sums(subject: Subject, ours: Maps, theirs: Maps) -> str:
    """What a layer's relevance sums to, as a share of the logit."""
    shares = (_span((total(found) / subject.logit).tolist()) for found in (ours, theirs))
    return "Σ/f: ours {}, theirs {}".format(*shares)


def probabilities(subject: Subject, ours: Maps, theirs: Maps) -> str:
    """What a layer's relevance sums to where it begins with one."""
    return "Σ: ours {}, theirs {}".format(*(_span(total(found).tolist()) for found in (ours, theirs)))


def gaps(subject: Subject, ours: Maps, theirs: Maps) -> str:
    """By how much a layer's sum misses what the logit gained over a zero activation."""
    return "misses the gain by: ours {:.0e}, theirs {:.0e}".format(*(gap(subject, found) for found in (ours, theirs)))


def total(maps: Maps) -> Tensor:
    """What each picture's map at each layer sums to, ``[layers,B]``."""
    return torch.stack([values.sum((1, 2, 3)) for values in maps.values()])


def gap(subject: Subject, maps: Maps) -> float:
    """The largest ``|Σ R − (f(A) − f(0))| / |f(A) − f(0)|``."""
    with torch.no_grad():
        zeros = [
            subject.logit_of(subject.model.run(torch.zeros_like(subject.activations[layer]), after=layer)[0])
            for layer in maps
        ]
    gained = subject.logit - torch.stack(zeros)
    return float(((total(maps) - gained) / gained).abs().max())


def _span(values: Sequence[Sequence[float]]) -> str:
    low, high = f"{min(map(min, values)):.3f}", f"{max(map(max, values)):.3f}"
    return low if low == high else f"{low}–{high}"
