"""What a method's text says with a number and Captum wants as a tensor or a shape."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from peephole.errors import PeepholeError

WINDOWS = 8
"""An occlusion window covers an eighth of a side unless the method's text says otherwise."""


def cells(value: object, like: Tensor) -> Tensor:
    """A feature mask that groups places into ``value``×``value`` cells, all channels together.

    Returns:
        int64 ``[1,C,H,W]``, numbered from 0 without gaps.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise PeepholeError(f"{value!r} is no mask of features; expected the number of cells along a side, 1 or more.")
    _, channels, height, width = like.shape
    rows, columns = min(value, height), min(value, width)
    row = torch.arange(height, device=like.device) * rows // height
    column = torch.arange(width, device=like.device) * columns // width
    return (row[:, None] * columns + column).repeat(1, channels, 1, 1)


def baselines(value: object, like: Tensor, count: int) -> Tensor:
    """``count`` pictures, or activations, of one value each, zero if none is given: ``[count,C,H,W]``."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PeepholeError(f"{value!r} is no baseline; expected one number, as the model's first layer gets it.")
    return torch.full((count, *like.shape[1:]), float(value), dtype=like.dtype, device=like.device)


def window(value: object, like: Tensor) -> tuple[int, ...]:
    """The shape of an occlusion window or stride, over all channels and no larger than the tensor.

    Args:
        value: a side, height and width, or channels, height and width; an eighth of the tensor's sides if None.
        like: ``[B,C,H,W]``.
    """
    channels, *sides = like.shape[1:]
    shape = tuple(math.ceil(side / WINDOWS) for side in sides) if value is None else value
    if isinstance(shape, int):
        shape = (shape, shape)
    if not isinstance(shape, tuple | list) or not all(isinstance(side, int) and side > 0 for side in shape):
        raise PeepholeError(f"{value!r} is no window; expected a side, (height, width) or (channels, height, width).")
    if len(shape) == 2:
        shape = (channels, *shape)
    if len(shape) != 3:
        raise PeepholeError(f"window {value!r} has {len(shape)} sides; expected (channels, height, width).")
    return tuple(min(side, limit) for side, limit in zip(shape, (channels, *sides), strict=True))
