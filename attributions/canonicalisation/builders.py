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
from torch import nn
from torch.fx import Node

from peephole.attributions.canonicalisation.call_arguments import Built, NoModule, settings, values
from peephole.attributions.canonicalisation.layer_builders import (
    adaptive_pool,
    average_pool,
    batch_norm,
    convolution,
    linear,
    matmul,
    max_pool,
    transposed_convolution,
)
from peephole.attributions.operations import Add, WeightedSum


def _activation(module: type[nn.Module]) -> Callable[..., Built]:
    """The builder of an activation function whose module has the same parameters in the same order."""

    def build(input: Node, *args: Any, inplace: bool = False, **kwargs: Any) -> Built:
        settings(*args, *kwargs.values())
        return module(*args, **kwargs), values(input)

    return build


def _relu(input: Node, inplace: bool = False) -> Built:
    return nn.ReLU(), values(input)


def _flatten(input: Node, start_dim: Any = 0, end_dim: Any = -1) -> Built:
    settings(start_dim, end_dim)
    return nn.Flatten(start_dim, end_dim), values(input)


def _view(input: Node, *shape: Any) -> Built:
    """``x.view(x.size(0), -1)`` and ``x.view(-1, 400)`` are `nn.Flatten`, which depends on nothing but ``x``."""
    sides = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape
    if len(sides) != 2 or not (sides[0] == -1 or _is_batch_size(sides[0])):
        raise NoModule
    if sides[1] != math.prod(input.meta["shape"][1:]) and not (sides[1] == -1 != sides[0]):
        raise NoModule
    return nn.Flatten(), values(input)


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


def _dropout(input: Node, p: float = 0.5, training: bool = True, inplace: bool = False) -> Built:
    """Dropout that eval mode turns off, as the code should have said with ``training=self.training``."""
    return nn.Dropout(p), values(input)


def _add(input: Any, other: Any, *, alpha: Any = 1) -> Built:
    settings(alpha)
    return Add() if alpha == 1 else WeightedSum((1, alpha)), values(input, other)


def _subtract(input: Any, other: Any, *, alpha: Any = 1) -> Built:
    settings(alpha)
    return WeightedSum((1, -alpha)), values(input, other)


FUNCTIONS: dict[Any, Callable[..., Built]] = {
    **dict.fromkeys((F.relu, F.relu_, torch.relu, torch.relu_), _relu),
    **dict.fromkeys((operator.add, operator.iadd, torch.add), _add),
    **dict.fromkeys((operator.sub, operator.isub, torch.sub, torch.subtract), _subtract),
    F.linear: linear,
    **dict.fromkeys((operator.matmul, torch.matmul), matmul),
    **dict.fromkeys((F.conv1d, torch.conv1d), convolution(nn.Conv1d)),
    **dict.fromkeys((F.conv2d, torch.conv2d), convolution(nn.Conv2d)),
    **dict.fromkeys((F.conv3d, torch.conv3d), convolution(nn.Conv3d)),
    **dict.fromkeys((F.conv_transpose1d, torch.conv_transpose1d), transposed_convolution(nn.ConvTranspose1d)),
    **dict.fromkeys((F.conv_transpose2d, torch.conv_transpose2d), transposed_convolution(nn.ConvTranspose2d)),
    **dict.fromkeys((F.conv_transpose3d, torch.conv_transpose3d), transposed_convolution(nn.ConvTranspose3d)),
    F.batch_norm: batch_norm,
    **dict.fromkeys((F.dropout, F.dropout1d, F.dropout2d, F.dropout3d), _dropout),
    **dict.fromkeys((F.max_pool1d, torch.max_pool1d), max_pool(nn.MaxPool1d)),
    **dict.fromkeys((F.max_pool2d, torch.max_pool2d), max_pool(nn.MaxPool2d)),
    **dict.fromkeys((F.max_pool3d, torch.max_pool3d), max_pool(nn.MaxPool3d)),
    **dict.fromkeys((F.avg_pool1d, torch.avg_pool1d), average_pool(nn.AvgPool1d)),
    F.avg_pool2d: average_pool(nn.AvgPool2d),
    F.avg_pool3d: average_pool(nn.AvgPool3d),
    F.adaptive_avg_pool1d: adaptive_pool(nn.AdaptiveAvgPool1d),
    F.adaptive_avg_pool2d: adaptive_pool(nn.AdaptiveAvgPool2d),
    F.adaptive_avg_pool3d: adaptive_pool(nn.AdaptiveAvgPool3d),
    F.adaptive_max_pool1d: adaptive_pool(nn.AdaptiveMaxPool1d),
    F.adaptive_max_pool2d: adaptive_pool(nn.AdaptiveMaxPool2d),
    F.adaptive_max_pool3d: adaptive_pool(nn.AdaptiveMaxPool3d),
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
    "matmul": matmul,
    **dict.fromkeys(("view", "reshape"), _view),
    "flatten": _flatten,
    "sigmoid": _activation(nn.Sigmoid),
    "tanh": _activation(nn.Tanh),
}
"""The same for methods of a tensor."""
