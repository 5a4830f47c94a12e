"""What methods are tried on: small untrained networks, and pictures of the embedded data set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from peephole.attributions.canonical import Canonical
from peephole.attributions.classifier import Classifier, Normalise
from peephole.attributions.graph import canonicalise
from peephole.datasets.draws import Draws
from peephole.datasets.scene import DIFFICULTY, draw_block
from peephole.datasets.shapes import GENERATOR, Shapes
from peephole.models import named

MODEL = "resnet8"
CLASSES, OTHER_CLASSES = 10, 7
SIDE = 32
HEIGHT, WIDTH = 48, 40
COUNT = 32
STREAM = 3
"""Of the pictures' seeds; the splits of the data set have 1 and 2."""


@dataclass(frozen=True)
class Subject:
    """A network and what it is shown.

    Attributes:
        network: the canonical graph.
        x: float32 ``[COUNT,3,H,W]`` in [0,1].
        classes: how many labels the network has.
    """

    network: Canonical
    x: Tensor
    classes: int

    def target(self, shift: int = 0) -> Tensor:
        """A label a picture, int64 ``[COUNT]``: neighbours have different ones."""
        return (torch.arange(len(self.x), device=self.x.device) + shift) % self.classes


def subjects(device: torch.device) -> dict[str, Subject]:
    """``plain``; ``retrained``, with other weights; ``resized``, for pictures that are larger and no squares, with
    other classes. The caller's random state stays as it is.
    """
    pictures, larger = _pictures(SIDE, device), _pictures(HEIGHT, device)[..., :WIDTH].contiguous()
    return {
        "plain": Subject(_network(0, CLASSES, (3, SIDE, SIDE), device), pictures, CLASSES),
        "retrained": Subject(_network(1, CLASSES, (3, SIDE, SIDE), device), pictures, CLASSES),
        "resized": Subject(_network(2, OTHER_CLASSES, (3, HEIGHT, WIDTH), device), larger, OTHER_CLASSES),
    }


def _network(seed: int, classes: int, size: tuple[int, int, int], device: torch.device) -> Canonical:
    with torch.random.fork_rng([]):
        torch.default_generator.manual_seed(seed)
        network = named.build(MODEL, classes, SIDE)
    known = Shapes()
    return canonicalise(Classifier(Normalise(known.mean, known.std), network).to(device), size)


def _pictures(side: int, device: torch.device) -> Tensor:
    labels = np.arange(COUNT, dtype=np.int64) % len(Shapes().classes)
    drawn, _ = draw_block(labels, Draws((GENERATOR, STREAM, 0), COUNT), side, DIFFICULTY)
    return torch.from_numpy(drawn).to(device, torch.float32) / 255
