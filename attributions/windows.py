"""The sums over the places that a maximum is taken of."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from peephole.attributions.operations import Call, Part, Slot, name_of

SLIDING: Mapping[type[nn.Module], Callable[..., Tensor]] = MappingProxyType(
    {nn.MaxPool1d: F.conv1d, nn.MaxPool2d: F.conv2d, nn.MaxPool3d: F.conv3d}
)
ADAPTIVE: Mapping[type[nn.Module], Callable[..., Tensor]] = MappingProxyType(
    {
        nn.AdaptiveMaxPool1d: F.adaptive_avg_pool1d,
        nn.AdaptiveMaxPool2d: F.adaptive_avg_pool2d,
        nn.AdaptiveMaxPool3d: F.adaptive_avg_pool3d,
    }
)
"""Max-pools, and what their windows can be summed with."""


def has_windows(module: nn.Module) -> bool:
    """Whether `window_sums` knows the windows of a maximum."""
    return isinstance(module, (*SLIDING, *ADAPTIVE)) or _axes(module) is not None


def window_sums(module: nn.Module, x: Tensor, size: Sequence[int]) -> Tensor:
    """The sum of ``x`` over each window of a maximum.

    Args:
        module: of which `has_windows` holds.
        x: what the maximum is taken of, ``[B,C,…]``.
        size: the sides of its output behind batch and channels.
    """
    if isinstance(module, tuple(SLIDING)):
        return _sliding(module, x, size)
    if isinstance(module, tuple(ADAPTIVE)):
        return _adaptive(module, x, size)
    axes = _axes(module)
    assert axes is not None
    dim, keepdim = axes
    return x.sum(dim, keepdim=keepdim)


def _sliding(pool: Any, x: Tensor, size: Sequence[int]) -> Tensor:
    count = x.ndim - 2
    kernel, stride, padding, dilation = (
        (each,) * count if isinstance(each, int) else tuple(each)
        for each in (pool.kernel_size, pool.stride, pool.padding, pool.dilation)
    )
    # With ceil_mode the last windows hang over the edge, or none reaches it.
    after = [
        (size[i] - 1) * stride[i] + dilation[i] * (kernel[i] - 1) + 1 - x.shape[2 + i] - padding[i]
        for i in range(count)
    ]
    margins = [side for i in reversed(range(count)) for side in (padding[i], after[i])]
    ones = torch.ones((x.shape[1], 1, *kernel), dtype=x.dtype, device=x.device)
    convolution = next(function for kind, function in SLIDING.items() if isinstance(pool, kind))
    return convolution(F.pad(x, margins), ones, stride=stride, dilation=dilation, groups=x.shape[1])


def _adaptive(pool: nn.Module, x: Tensor, size: Sequence[int]) -> Tensor:
    means = next(function for kind, function in ADAPTIVE.items() if isinstance(pool, kind))(x, tuple(size))
    counts = torch.ones((), dtype=x.dtype, device=x.device)
    for inputs, outputs in zip(x.shape[2:], size, strict=True):
        widths = [math.ceil((i + 1) * inputs / outputs) - i * inputs // outputs for i in range(outputs)]
        counts = counts[..., None] * torch.tensor(widths, dtype=x.dtype, device=x.device)
    return means * counts


def _axes(module: nn.Module) -> tuple[Any, bool] | None:
    """The axes that a maximum over whole axes goes over, and whether they are kept; None if it is none."""
    function = module.function if isinstance(module, Call) else None
    if isinstance(function, Part) and function.index == 0:
        module, names = function.module, ("max",)
    else:
        names = ("amax",)
    if not isinstance(module, Call) or name_of(module) not in names or module.args[:1] != (Slot(0),):
        return None
    settings = dict(zip(("dim", "keepdim"), module.args[1:], strict=False)) | module.kwargs
    dim, keepdim = settings.get("dim"), settings.get("keepdim", False)
    whole = isinstance(dim, int) or (isinstance(dim, tuple | list) and all(isinstance(each, int) for each in dim))
    return (dim, bool(keepdim)) if whole else None
