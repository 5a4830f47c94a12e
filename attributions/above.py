"""The part of a network above a layer, fed with other values than the picture's own."""

from __future__ import annotations

import torch
from torch import Tensor

from peephole.attributions.canonical import Canonical

ROWS = 32
"""Values a pass at the least, where a rule needs many passes: more pay on a GPU, on a processor they do not."""


def gradient_above(model: Canonical, layer: str, values: Tensor, target: Tensor) -> Tensor:
    """``∂f_k/∂A`` at ``values`` in the place of the layer's activation: both ``[N,c,h,w]``, ``target`` ``[N]``.

    Only the part above the layer runs. Zeros where the logit depends on nothing.
    """
    with torch.enable_grad():
        values = values.detach().requires_grad_()
        logits, _ = model.run(values, after=layer)
        score = logits.gather(1, target[:, None]).sum()
    if not score.requires_grad:
        return torch.zeros_like(values)
    return torch.autograd.grad(score, values, materialize_grads=True)[0]


def rows(pictures: int) -> int:
    """How many variants of each of so many pictures go into one pass: memory is bounded by the batch or by `ROWS`."""
    return max(1, ROWS // pictures)
