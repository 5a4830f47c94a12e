"""Pictures whose class is their brightest channel, and networks that learn it in seconds."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from peephole.attacks.splits import InMemory
from peephole.attacks.trainer import Trainer


@pytest.fixture(scope="session")
def coloured():
    def make(count, classes=3):
        generator = torch.Generator().manual_seed(0)
        labels = torch.arange(count) % classes
        images = torch.randint(0, 100, (count, 3, 16, 16), generator=generator, dtype=torch.uint8)
        images[torch.arange(count), labels % 3] += 100
        return InMemory(images, labels)

    return make


@pytest.fixture(scope="session")
def network():
    """Everything that a resumed training has to get right: running means, dropout."""

    def make(classes=3, *, plain=False):
        torch.manual_seed(0)
        convolution = nn.Conv2d(3, 4, 3, padding=1)
        between = [nn.ReLU()] if plain else [nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.2)]
        return nn.Sequential(convolution, *between, nn.MaxPool2d(4), nn.Flatten(), nn.Linear(64, classes))

    return make


@pytest.fixture(scope="session")
def cpu():
    return Trainer(torch.device("cpu"))


@pytest.fixture(scope="session")
def same():
    """Whether two modules have the same weights and buffers, bit by bit."""

    def compare(first, second):
        ours, theirs = first.state_dict(), second.state_dict()
        return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)

    return compare
