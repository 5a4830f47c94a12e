"""The part of a network above a layer, fed with other values than the picture's own."""

from __future__ import annotations

import torch
from torch import Tensor

from peephole.attributions.canonical import Canonical

PIXELS = 128 * 32 * 32
"""What a pass takes at the least, where a rule needs many: smaller passes leave a processor half idle."""


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


def variants(x: Tensor) -> int:
    """How many variants of each of the pictures ``[B,C,H,W]`` go into one pass: as many as make up `PIXELS`, or one.

    So memory is bounded by the batch, or by what 128 pictures of 32×32 need.
    """
    batch, _, height, width = x.shape
    return max(1, PIXELS // (batch * height * width))
