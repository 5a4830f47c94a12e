"""Patches that differ from picture to picture, in pattern and place."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Generator, Tensor, nn

from peephole.seeds import stream
from peephole.triggers.base import Canvas, Stamped
from peephole.triggers.lengths import DYNAMIC, check_length, scaled
from peephole.triggers.stamper import Stamper

NOISE = 64
HIDDEN = (64, 128)
COLUMNS = 5
"""A conditioned patch starts at one of so many columns."""


class RandomPatch(Stamper):
    """Uniform noise in [0,1], three channels, anywhere in the picture.

    Args:
        canvas: the pictures it is for.
        targets: the labels it leads to.
        seed: of what is drawn once; here, nothing.

    Raises:
        PeepholeError: the pictures are too small, or do not have a label that the trigger leads to.
    """

    def __init__(self, canvas: Canvas, targets: tuple[int, ...], seed: int) -> None:
        check_length(canvas.side)
        super().__init__(canvas, targets)
        self.length = scaled(DYNAMIC, canvas.side)

    def patterns(self, which: Tensor, generator: Generator) -> Tensor:
        """The patches float32 ``[B,3,n,n]`` in [0,1] for the marks ``which``."""
        return torch.rand(len(which), 3, self.length, self.length, generator=generator).to(which.device)

    def columns(self, which: Tensor, generator: Generator) -> Tensor:
        """The left edges int64 ``[B]``."""
        return self._anywhere(which, generator)

    def put(self, x: Tensor, which: Tensor, generator: Generator) -> Stamped:
        """See `Stamper.put`."""
        pattern = self.patterns(which, generator)
        row, column = self._anywhere(which, generator), self.columns(which, generator)
        place = torch.arange(self.canvas.side, device=x.device)
        down, along = place - row[:, None], place - column[:, None]
        inside = ((down >= 0) & (down < self.length))[:, :, None] & ((along >= 0) & (along < self.length))[:, None]
        batch = torch.arange(len(x), device=x.device)[:, None, None]
        last = self.length - 1
        # Indices around the slice put the channels last: [B,S,S,3].
        spread = pattern[batch, :, down.clamp(0, last)[:, :, None], along.clamp(0, last)[:, None]]
        image = torch.where(inside[:, None], spread.permute(0, 3, 1, 2), x)
        return Stamped(image, self.labels_of(which), inside[:, None], inside[:, None])

    def _anywhere(self, which: Tensor, generator: Generator) -> Tensor:
        return torch.randint(self.canvas.side - self.length + 1, (len(which),), generator=generator).to(which.device)


class GeneratedPatch(RandomPatch):
    """A patch that a network makes from uniform noise; the network learns together with the model."""

    def __init__(self, canvas: Canvas, targets: tuple[int, ...], seed: int) -> None:
        super().__init__(canvas, targets, seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(stream("patch network", seed))
            self.net = _network(NOISE + self.conditions, 3 * self.length**2)

    @property
    def conditions(self) -> int:
        """How many inputs the network has besides noise."""
        return 0

    def learnt(self) -> Iterable[nn.Parameter]:
        """The network's weights."""
        return self.net.parameters()

    def patterns(self, which: Tensor, generator: Generator) -> Tensor:
        """See `RandomPatch.patterns`."""
        noise = torch.rand(len(which), NOISE, generator=generator).to(which.device)
        patches: Tensor = self.net(torch.cat([noise, self.condition(which)], 1))
        return patches.view(-1, 3, self.length, self.length)

    def condition(self, which: Tensor) -> Tensor:
        """What the network is told besides noise, float32 ``[B, conditions]``."""
        return torch.empty(len(which), 0, device=which.device)


class ConditionedPatch(GeneratedPatch):
    """A generated patch for each label."""

    @property
    def conditions(self) -> int:
        """The labels, one-hot."""
        return len(self.targets)

    def condition(self, which: Tensor) -> Tensor:
        """The number of the label, one-hot."""
        return nn.functional.one_hot(which, len(self.targets)).float()

    def columns(self, which: Tensor, generator: Generator) -> Tensor:
        """A column for each label, five of them in turn."""
        step = min(self.length, (self.canvas.side - self.length) // (COLUMNS - 1))
        return self.labels_of(which)[:, 0] % COLUMNS * step


def _network(inputs: int, outputs: int) -> nn.Module:
    """Fully connected, ReLU between, values in (0,1) out."""
    widths = (inputs, *HIDDEN)
    hidden = [layer for a, b in zip(widths, HIDDEN, strict=False) for layer in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*hidden, nn.Linear(HIDDEN[-1], outputs), nn.Sigmoid())
