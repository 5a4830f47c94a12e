"""Pictures, truths, maps and a network of which all is known: what metrics are tried on before they are trusted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import torch
from torch import Tensor, nn

from peephole.leaderboard.base import Probes
from peephole.leaderboard.counters import uniform
from peephole.leaderboard.examined import Examined

SIDE = 12
PIXELS = SIDE * SIDE
MARK = 12
"""Pixels of a mark in `ring_probes`, and the size of their bounding box."""
BOX = 16
NEEDED = 6
"""Marked pixels without which the network does not say the target: half of a mark."""
MEAN, STD = 0.5, 0.25
GREY, WHITE = 0.25, 1.0

TruthKind = Literal["mask", "soft"]


def counting_network(steps: int) -> Examined:
    """A network that counts white pixels and says label 0 if there are at least `NEEDED`, else label 1.

    The last linear layer reads one number, (white pixels) / `PIXELS`, and its row of label 0 is ``[PIXELS]``, that of
    label 1 ``[0]``. A pixel is white from .95 on and counts in full at 1; normalisation is (p - .5) / .25.

    Args:
        steps: of a curve over pictures.
    """
    white, count = nn.Conv2d(3, 1, 1), nn.Linear(1, 2)
    with torch.no_grad():
        white.weight.fill_(20 * STD / 3)
        white.bias.fill_(20 * (MEAN - 0.95))  # type: ignore[union-attr]
        count.weight.copy_(torch.tensor([[float(PIXELS)], [0.0]]))
        count.bias.copy_(torch.tensor([0.5 - NEEDED, 0.0]))
    network = nn.Sequential(white, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), count)
    return Examined(
        lambda pictures: (pictures - MEAN) / STD, network.eval().requires_grad_(False), steps=steps, halvings=0
    )


def ring_probes(truth: TruthKind, targets: int, count: int, steps: int = 400) -> Probes:
    """Grey pictures with a white ring for each target, of which scores have closed forms.

    A ring is a square of 4×4 without its middle, somewhere else in each picture. The truth is the ring, or, soft, 1 on
    the ring, 1/2 in its middle and 0 elsewhere. With the default of steps, curves are followed pixel by pixel.
    """
    number = torch.arange(count) + 1000
    corner = (uniform(number, 2 * targets, 1) * (SIDE - 3)).long().view(count, targets, 2, 1)
    offset = torch.arange(SIDE) - corner  # [N,T,2,S], each pixel's row and column in the square of its ring
    square, middle = (_both((offset >= low) & (offset < high)) for low, high in ((0, 4), (1, 3)))
    ring = square & ~middle
    clean = torch.full((count, 3, SIDE, SIDE), GREY)
    return _probes(truth, clean, ring, (square.float() + ring) / 2, number, steps)


def varied_probes(truth: TruthKind, targets: int, count: int, steps: int = 4) -> Probes:
    """Textured pictures with white rectangles whose sizes differ from picture to picture."""
    number = torch.arange(count) + 1000
    corner = (uniform(number, 2 * targets, 1) * (SIDE - 4)).long().view(count, targets, 2, 1)
    length = 3 + (uniform(number, 2 * targets, 2) * 2).long().view(count, targets, 2, 1)
    offset = torch.arange(SIDE) - corner
    mask = _both((offset >= 0) & (offset < length))
    clean = uniform(number, 3 * PIXELS, 3).view(count, 3, SIDE, SIDE).float() * 0.8
    shade = uniform(number, targets * PIXELS, 4).view(count, targets, SIDE, SIDE).float()
    return _probes(truth, clean, mask, (mask + shade) / 2, number, steps)


def noise(probes: Probes, stream: int) -> Tensor:
    """Maps ``[N,T,H,W]`` of i.i.d. uniform(0,1) pixels, each picture's from its number: float64."""
    shape = probes.truth.shape
    return uniform(probes.numbers, shape[1:].numel(), 100 + stream).view(shape)


def _balanced(probes: Probes) -> Tensor:
    """Every other pixel of the ring, of its middle and of all else: 1, the rest 0."""
    level = torch.stack([probes.truth == value for value in (0.0, 0.5, 1.0)])
    inner = level.clone()
    if probes.mask is not None:  # the middle is no part of the mask, but of its box
        box = torch.nn.functional.conv2d(probes.truth.flatten(0, 1).unsqueeze(1), torch.ones(1, 1, 3, 3), padding=1)
        middle = (box.view_as(probes.truth) >= 5) & level[0]
        inner = torch.stack([level[0] & ~middle, middle, level[2]])
    return ((inner.flatten(3).cumsum(dim=3).view_as(inner) % 2 == 1) & inner).any(dim=0).double()


CASES: Mapping[str, Callable[[Probes], Tensor]] = {
    "oracle": lambda probes: probes.truth.double(),
    "anti_oracle": lambda probes: 1 - probes.truth.double(),
    "constant": lambda probes: torch.ones_like(probes.truth, dtype=torch.float64),
    "balanced": _balanced,
    "signed": lambda probes: probes.truth.double() - (probes.truth == 0).double(),
}
"""Maps of `ring_probes` by name: the truth; 1 minus it; 1 everywhere; 1 on half of the ring, half of its middle and
half of the rest; and the truth with -1 where it is 0."""


def _both(lines: Tensor) -> Tensor:
    """Where both a row and a column are chosen: bool ``[N,T,2,S]`` to ``[N,T,S,S]``."""
    return lines[:, :, 0].unsqueeze(3) & lines[:, :, 1].unsqueeze(2)


def _probes(truth: TruthKind, clean: Tensor, mark: Tensor, soft: Tensor, number: Tensor, steps: int) -> Probes:
    image = torch.where(mark.any(dim=1, keepdim=True), WHITE, clean)
    target = torch.arange(mark.shape[1]).expand(len(mark), -1)
    mask, graded = (mark, None) if truth == "mask" else (None, soft)
    return Probes(image, clean, mask, mask, target, graded, number, counting_network(steps))
