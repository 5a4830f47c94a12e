"""Which functions and methods have a module of the same meaning, and how it is built from a call's arguments."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.fx import Node

from peephole.attributions.operations import Add

Built = tuple[nn.Module, tuple[Node, ...]]
"""A module, and the nodes whose values it is called with."""


class NoModule(Exception):
    """The call has arguments that the module it would become has not."""


def _values(*arguments: Any) -> tuple[Node, ...]:
    """The arguments, if all of them are values of the graph."""
    if not all(isinstance(argument, Node) and argument.op != "get_attr" for argument in arguments):
        raise NoModule
    return arguments


def _settings(*arguments: Any) -> None:
    """Refuse settings that are only known when the network runs."""
    if any(isinstance(argument, Node) for argument in arguments):
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
    """``x.view(x.size(0), -1)`` is `nn.Flatten`; so written, it depends on nothing but ``x``."""
    sides = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape
    if len(sides) != 2 or sides[1] != -1 or not _is_batch_size(sides[0]):
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
    if alpha != 1:
        raise NoModule
    return Add(), _values(input, other)


FUNCTIONS: dict[Any, Callable[..., Built]] = {
    **dict.fromkeys((F.relu, F.relu_, torch.relu, torch.relu_), _relu),
    **dict.fromkeys((operator.add, operator.iadd, torch.add), _add),
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
    **dict.fromkeys(("view", "reshape"), _view),
    "flatten": _flatten,
    "sigmoid": _activation(nn.Sigmoid),
    "tanh": _activation(nn.Tanh),
}
"""The same for methods of a tensor."""
