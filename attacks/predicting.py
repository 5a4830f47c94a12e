"""Decisions of networks on many pictures."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from peephole.memory_layout import FoundLayout

BATCH = 128
"""On a processor, whose caches hold no more; a GPU takes `GPU_BATCH`."""
GPU_BATCH = 1024


@torch.no_grad()
def predict(model: nn.Module, x: Tensor, batch_size: int | None = None) -> Tensor:
    """The decision int64 ``[B]`` on pictures in [0,1] (or bytes), in batches; dropout and norms as in eval mode."""
    model.eval()
    decisions = []
    layout = FoundLayout()
    size = batch_size or (BATCH if x.device.type == "cpu" else GPU_BATCH)
    for part in x.split(size):
        picture = part.float().div(255) if part.dtype == torch.uint8 else part
        decisions.append(layout.run(lambda pictures: model(pictures).argmax(1), picture))
    return torch.cat(decisions) if decisions else torch.empty(0, dtype=torch.long, device=x.device)


def hits(model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> list[int]:
    """On how many of how many pictures (batches of pictures and labels) the model is right."""
    right = total = 0
    for images, labels in batches:
        right += int((predict(model, images) == labels).sum())
        total += len(labels)
    return [right, total]
