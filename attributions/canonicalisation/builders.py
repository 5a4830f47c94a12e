"""Which functions and methods have a module of the same meaning, and how it is built from a call's arguments.

What depends on the picture is a `torch.fx.Node` there; weights and settings are themselves.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.fx import Node

from peephole.attributions.operations import Add, WeightedSum

Built = tuple[nn.Module, tuple[Node, ...]]
"""A module, and the nodes whose values it is called with."""


class NoModule(Exception):
    """The call has arguments that the module it would become has not."""


def _values(*arguments: Any) -> tuple[Node, ...]:
    """The arguments, if all of them depend on the picture."""
    if not all(isinstance(argument, Node) for argument in arguments):
        raise NoModule
    return arguments


def _settings(*arguments: Any) -> None:
    """Refuse settings that are only known when the network runs."""
    for argument in arguments:
        if isinstance(argument, tuple | list):
            _settings(*argument)
        elif isinstance(argument, Node):
            raise NoModule


def _activation(module: type[nn.Module]) -> Callable[..., Built]:
    """The builder of an activation function whose module has the same parameters in the same order."""

    def build(input: Node, *args: Any, inplace: bool = False, **kwargs: Any) -> Built:
        _settings(*args, *kwargs.values())
        return module(*args, **kwargs), _values(input)

    return build


def _relu(input: Node, inplace: bool = False) -> Built:
    return nn.ReLU(), _values(input)


def _flatten(input: Node, start_dim: Any = 0, end_dim: Any = -1) -> Built:
    _settings(start_dim, end_dim)
    return nn.Flatten(start_dim, end_dim), _values(input)


def _view(input: Node, *shape: Any) -> Built:
    """``x.view(x.size(0), -1)`` and ``x.view(-1, 400)`` are `nn.Flatten`, which depends on nothing but ``x``."""
    sides = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape
    if len(sides) != 2 or not (sides[0] == -1 or _is_batch_size(sides[0])):
        raise NoModule
    if sides[1] != math.prod(input.meta["shape"][1:]) and not (sides[1] == -1 != sides[0]):
        raise NoModule
    return nn.Flatten(), _values(input)


def _is_batch_size(value: Any) -> bool:
    if not isinstance(value, Node):
        return False
    if value.op == "call_method" and value.target == "size":
        return (*value.args[1:], *value.kwargs.values()) == (0,)
    if value.target is not operator.getitem or value.args[1] != 0:
        return False
    shape = value.args[0]
    if not isinstance(shape, Node):
        return False
    return shape.args[1:] == (("shape",) if shape.target is getattr else ()) and shape.target in (getattr, "size")


def _max_pool2d(
    input: Node,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Built:
    _settings(kernel_size, stride, padding, dilation)
    if return_indices:
        raise NoModule
    return nn.MaxPool2d(kernel_size, stride, padding, dilation, ceil_mode=ceil_mode), _values(input)


def _avg_pool2d(
    input: Node,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Built:
    _settings(kernel_size, stride, padding)
    pool = nn.AvgPool2d(kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
    return pool, _values(input)


def _adaptive_avg_pool2d(input: Node, output_size: Any) -> Built:
    _settings(output_size)
    return nn.AdaptiveAvgPool2d(output_size), _values(input)


def _adaptive_max_pool2d(input: Node, output_size: Any, return_indices: bool = False) -> Built:
    _settings(output_size)
    if return_indices:
        raise NoModule
    return nn.AdaptiveMaxPool2d(output_size), _values(input)


def _dropout(input: Node, p: float = 0.5, training: bool = True, inplace: bool = False) -> Built:
    """Dropout that eval mode turns off, as the code should have said with ``training=self.training``."""
    return nn.Dropout(p), _values(input)


def _add(input: Any, other: Any, *, alpha: Any = 1) -> Built:
    _settings(alpha)
    return Add() if alpha == 1 else WeightedSum((1, alpha)), _values(input, other)


def _subtract(input: Any, other: Any, *, alpha: Any = 1) -> Built:
    _settings(alpha)
    return WeightedSum((1, -alpha)), _values(input, other)


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


def _linear(input: Any, weight: Any, bias: Any = None) -> Built:
    weight, bias = _weights(weight, bias)
    if weight.ndim != 2:
        raise NoModule
    with torch.device("meta"):
        module = nn.Linear(weight.shape[1], weight.shape[0], bias is not None)
    return _frozen(module, weight=weight, bias=bias), _values(input)


def _matmul(input: Any, other: Any) -> Built:
    """``x @ W`` with fixed ``W`` is a linear layer of ``Wᵀ``."""
    if not isinstance(other, Tensor) or other.ndim != 2 or not isinstance(input, Node):
        raise NoModule
    return _linear(input, other.T.contiguous())


def _convolution(kind: Callable[..., nn.Module]) -> Callable[..., Built]:
    def build(
        input: Any,
        weight: Any,
        bias: Any = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: Any = 1,
    ) -> Built:
        _settings(stride, padding, dilation, groups)
        weight, bias = _weights(weight, bias)
        outputs, inputs, *kernel = weight.shape
        padding = padding if isinstance(padding, str) else _sides(padding, len(kernel))
        stride, dilation = _sides(stride, len(kernel)), _sides(dilation, len(kernel))
        with torch.device("meta"):
            module = kind(inputs * groups, outputs, tuple(kernel), stride, padding, dilation, groups, bias is not None)
        return _frozen(module, weight=weight, bias=bias), _values(input)

    return build


def _transposed(kind: Callable[..., nn.Module]) -> Callable[..., Built]:
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
        _settings(stride, padding, output_padding, dilation, groups)
        weight, bias = _weights(weight, bias)
        inputs, outputs, *kernel = weight.shape
        sides = [_sides(each, len(kernel)) for each in (stride, padding, output_padding)]
        with torch.device("meta"):
            module = kind(
                inputs, outputs * groups, tuple(kernel), *sides, groups, bias is not None, _sides(dilation, len(kernel))
            )
        return _frozen(module, weight=weight, bias=bias), _values(input)

    return build


def _sides(value: Any, count: int) -> tuple[int, ...]:
    sides = tuple(value) if isinstance(value, tuple | list) else (value,)
    return sides if len(sides) == count else sides * count


def _batch_norm(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: Any = False,
    momentum: Any = 0.1,
    eps: float = 1e-5,
) -> Built:
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
    return module, _values(input)


FUNCTIONS: dict[Any, Callable[..., Built]] = {
    **dict.fromkeys((F.relu, F.relu_, torch.relu, torch.relu_), _relu),
    **dict.fromkeys((operator.add, operator.iadd, torch.add), _add),
    **dict.fromkeys((operator.sub, operator.isub, torch.sub, torch.subtract), _subtract),
    F.linear: _linear,
    **dict.fromkeys((operator.matmul, torch.matmul), _matmul),
    **dict.fromkeys((F.conv1d, torch.conv1d), _convolution(nn.Conv1d)),
    **dict.fromkeys((F.conv2d, torch.conv2d), _convolution(nn.Conv2d)),
    **dict.fromkeys((F.conv3d, torch.conv3d), _convolution(nn.Conv3d)),
    **dict.fromkeys((F.conv_transpose1d, torch.conv_transpose1d), _transposed(nn.ConvTranspose1d)),
    **dict.fromkeys((F.conv_transpose2d, torch.conv_transpose2d), _transposed(nn.ConvTranspose2d)),
    **dict.fromkeys((F.conv_transpose3d, torch.conv_transpose3d), _transposed(nn.ConvTranspose3d)),
    F.batch_norm: _batch_norm,
    **dict.fromkeys((F.dropout, F.dropout1d, F.dropout2d, F.dropout3d), _dropout),
    **dict.fromkeys((F.max_pool2d, torch.max_pool2d), _max_pool2d),
    F.avg_pool2d: _avg_pool2d,
    F.adaptive_avg_pool2d: _adaptive_avg_pool2d,
    F.adaptive_max_pool2d: _adaptive_max_pool2d,
    torch.flatten: _flatten,
    F.relu6: _activation(nn.ReLU6),
    F.leaky_relu: _activation(nn.LeakyReLU),
    F.elu: _activation(nn.ELU),
    F.selu: _activation(nn.SELU),
    F.silu: _activation(nn.SiLU),
    F.mish: _activation(nn.Mish),
    F.gelu: _activation(nn.GELU),
    F.hardswish: _activation(nn.Hardswish),
    **dict.fromkeys((F.sigmoid, torch.sigmoid), _activation(nn.Sigmoid)),
    **dict.fromkeys((F.tanh, torch.tanh), _activation(nn.Tanh)),
}
"""What becomes a module of the same meaning."""

METHODS: dict[Any, Callable[..., Built]] = {
    **dict.fromkeys(("relu", "relu_"), _relu),
    **dict.fromkeys(("add", "add_"), _add),
    **dict.fromkeys(("sub", "sub_"), _subtract),
    "matmul": _matmul,
    **dict.fromkeys(("view", "reshape"), _view),
    "flatten": _flatten,
    "sigmoid": _activation(nn.Sigmoid),
    "tanh": _activation(nn.Tanh),
}
"""The same for methods of a tensor."""
