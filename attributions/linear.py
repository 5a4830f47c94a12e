"""Linear modules with other weights: what relevance rules do with the parts of a product."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch.nn.functional as F
from torch import Tensor, nn

TRANSPOSED: tuple[type[nn.Module], ...] = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
LINEAR: tuple[type[nn.Module], ...] = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, *TRANSPOSED)
"""The modules whose weights the relevance rules take apart."""

FUNCTIONS: Mapping[type[nn.Module], Callable[..., Tensor]] = MappingProxyType(
    {
        nn.ConvTranspose1d: F.conv_transpose1d,
        nn.ConvTranspose2d: F.conv_transpose2d,
        nn.ConvTranspose3d: F.conv_transpose3d,
    }
)


def apply(module: nn.Module, x: Tensor, weight: Tensor) -> Tensor:
    """What ``module``, one of `LINEAR`, would give with ``weight`` and without a bias."""
    if isinstance(module, nn.Linear):
        return F.linear(x, weight)
    if isinstance(module, TRANSPOSED):
        sides = (module.stride, module.padding, module.output_padding, module.groups, module.dilation)
        return FUNCTIONS[type(module)](x, weight, None, *sides)
    assert isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d)
    product: Tensor = module._conv_forward(x, weight, None)
    return product
