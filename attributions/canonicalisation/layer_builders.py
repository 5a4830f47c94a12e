"""Layers of torch built from the arguments of functions that compute the same: with weights, and pools."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import Node

from peephole.attributions.canonicalisation.call_arguments import Built, NoModule, settings, values


def max_pool(kind: Callable[..., nn.Module]) -> Callable[..., Built]:
    """The builder of a max-pool that does not return its indices."""

    def build(
        input: Node,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Built:
        settings(kernel_size, stride, padding, dilation)
        if return_indices:
            raise NoModule
        return kind(kernel_size, stride, padding, dilation, ceil_mode=ceil_mode), values(input)

    return build


def average_pool(kind: Callable[..., nn.Module]) -> Callable[..., Built]:
    """The builder of an average pool."""

    def build(input: Node, kernel_size: Any, stride: Any = None, padding: Any = 0, *args: Any, **kwargs: Any) -> Built:
        settings(kernel_size, stride, padding, *args, *kwargs.values())
        return kind(kernel_size, stride, padding, *args, **kwargs), values(input)

    return build


def adaptive_pool(kind: Callable[..., nn.Module]) -> Callable[..., Built]:
    """The builder of a pool to a given size that does not return indices."""

    def build(input: Node, output_size: Any, return_indices: bool = False) -> Built:
        settings(output_size)
        if return_indices:
            raise NoModule
        return kind(output_size), values(input)

    return build


def _frozen(module: nn.Module, **tensors: Tensor | None) -> nn.Module:
    """The module with these as its parameters, or as its buffers where it has buffers of that name."""
    for name, tensor in tensors.items():
        if name in module._buffers:
            module._buffers[name] = tensor
        else:
            module.register_parameter(name, None if tensor is None else nn.Parameter(tensor, requires_grad=False))
    return module.eval()


def _weights(weight: Any, bias: Any) -> tuple[Tensor, Tensor | None]:
    if not isinstance(weight, Tensor) or not (bias is None or isinstance(bias, Tensor)):
        raise NoModule
    return weight.detach(), None if bias is None else bias.detach()


def linear(input: Any, weight: Any, bias: Any = None) -> Built:
    """A linear layer of fixed weights."""
    weight, bias = _weights(weight, bias)
    if weight.ndim != 2:
        raise NoModule
    with torch.device("meta"):
        module = nn.Linear(weight.shape[1], weight.shape[0], bias is not None)
    return _frozen(module, weight=weight, bias=bias), values(input)


def matmul(input: Any, other: Any) -> Built:
    """``x @ W`` with fixed ``W`` is a linear layer of ``Wᵀ``."""
    if not isinstance(other, Tensor) or other.ndim != 2 or not isinstance(input, Node):
        raise NoModule
    return linear(input, other.T.contiguous())


def convolution(kind: Callable[..., nn.Module]) -> Callable[..., Built]:
    """The builder of a convolution of fixed weights."""

    def build(
        input: Any,
        weight: Any,
        bias: Any = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: Any = 1,
    ) -> Built:
        settings(stride, padding, dilation, groups)
        weight, bias = _weights(weight, bias)
        outputs, inputs, *kernel = weight.shape
        padding = padding if isinstance(padding, str) else _sides(padding, len(kernel))
        stride, dilation = _sides(stride, len(kernel)), _sides(dilation, len(kernel))
        with torch.device("meta"):
            module = kind(inputs * groups, outputs, tuple(kernel), stride, padding, dilation, groups, bias is not None)
        return _frozen(module, weight=weight, bias=bias), values(input)

    return build


def transposed_convolution(kind: Callable[..., nn.Module]) -> Callable[..., Built]:
    """The builder of a transposed convolution of fixed weights."""

    def build(
        input: Any,
        weight: Any,
        bias: Any = None,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: Any = 1,
        dilation: Any = 1,
    ) -> Built:
        settings(stride, padding, output_padding, dilation, groups)
        weight, bias = _weights(weight, bias)
        inputs, outputs, *kernel = weight.shape
        sides = [_sides(each, len(kernel)) for each in (stride, padding, output_padding)]
        with torch.device("meta"):
            module = kind(
                inputs, outputs * groups, tuple(kernel), *sides, groups, bias is not None, _sides(dilation, len(kernel))
            )
        return _frozen(module, weight=weight, bias=bias), values(input)

    return build


def _sides(value: Any, count: int) -> tuple[int, ...]:
    sides = tuple(value) if isinstance(value, tuple | list) else (value,)
    return sides if len(sides) == count else sides * count


def batch_norm(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: Any = False,
    momentum: Any = 0.1,
    eps: float = 1e-5,
) -> Built:
    """A batch normalisation by running statistics."""
    if training or not isinstance(running_mean, Tensor) or not isinstance(running_var, Tensor):
        raise NoModule
    kinds = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}
    kind = kinds.get(len(input.meta["shape"])) if isinstance(input, Node) else None
    if kind is None:
        raise NoModule
    module = _frozen(
        kind(len(running_mean), eps),
        running_mean=running_mean.detach(),
        running_var=running_var.detach(),
        weight=None if weight is None else weight.detach(),
        bias=None if bias is None else bias.detach(),
    )
    return module, values(input)
