"""Augmentation of a whole batch at once, on the device that holds it."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn


def random_crop(x: Tensor, padding: int, generator: Generator) -> Tensor:
    """Shift each picture of ``[B,C,H,W]`` by up to ``padding`` pixels in both directions; edges are mirrored."""
    if padding == 0:
        return x
    batch, _, height, width = x.shape
    padded = nn.functional.pad(x, (padding,) * 4, mode="reflect")
    offset = torch.randint(0, 2 * padding + 1, (2, batch, 1), generator=generator, device=generator.device)
    offset = offset.to(x.device)
    rows = offset[0] + torch.arange(height, device=x.device)
    columns = offset[1] + torch.arange(width, device=x.device)
    picture = torch.arange(batch, device=x.device)[:, None, None]
    # Advanced indexing around a slice puts the channels last: [B,H,W,C].
    return padded[picture, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def random_flip(x: Tensor, generator: Generator) -> Tensor:
    """Mirror each picture of ``[B,C,H,W]`` left to right with probability one half."""
    flipped = torch.rand(len(x), 1, 1, 1, generator=generator, device=generator.device) < 0.5
    return torch.where(flipped.to(x.device), x.flip(-1), x)
