"""How values lie in memory."""

from __future__ import annotations

import torch
from torch import Tensor


def for_convolutions(values: Tensor, *, channels_last: bool = True) -> Tensor:
    """``values`` in the layout in which convolutions are fastest; what is computed from them keeps it.

    On a processor pictures lie with their channels last, which makes a forward and a backward pass a quarter faster
    than the usual layout; on a GPU in single precision they do not. Only strides differ.

    Args:
        values: pictures ``[B,C,H,W]``.
        channels_last: whether the network takes that layout; see `Canonical.channels_last`.
    """
    if values.ndim == 4 and values.device.type == "cpu":
        return values.contiguous(memory_format=torch.channels_last if channels_last else torch.contiguous_format)
    return values
