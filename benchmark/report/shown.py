"""Which pictures of a backdoor a report shows, and how large."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TILE = 96
"""Most pixels of a map's side."""
QUESTIONS = 4


@dataclass(frozen=True)
class Question:
    """Why this label?

    Attributes:
        place: of the picture in the probe set.
        which: of its targets, by number.
        label: that target.
    """

    place: int
    which: int
    label: int


def questions_of(selection: NDArray[np.bool_], target: NDArray[np.int64]) -> tuple[Question, ...]:
    """`QUESTIONS` about the first pictures that are reported: costly methods cover just these.

    Args:
        selection: bool ``[N]``, the pictures that serve to choose layers and are not reported.
        target: int64 ``[N,T]``. Of several targets all are asked for, and of fewer pictures.
    """
    targets = target.shape[1]
    places = np.flatnonzero(~selection)[: max(1, QUESTIONS // targets)].tolist()
    return tuple(Question(place, which, int(target[place, which])) for place in places for which in range(targets))


def tile_side(side: int) -> int:
    """Of a map, in pixels, where pictures have ``side``."""
    return min(side, TILE)


def picture_side(side: int) -> int:
    """Of a picture: the largest multiple of the tile's that the picture has pixels for."""
    return side // tile_side(side) * tile_side(side)


def reduced(values: NDArray[np.float64], side: int) -> NDArray[np.float64]:
    """Pictures or maps ``[...,H,W]`` at ``side``, not more than theirs: each pixel is the mean of what it covers."""
    if values.shape[-2:] == (side, side):
        return values
    import torch

    flat = torch.from_numpy(values).flatten(0, -3).unsqueeze(1)
    small = torch.nn.functional.adaptive_avg_pool2d(flat, side)
    return np.asarray(small.reshape(*values.shape[:-2], side, side))
