"""The small vocabulary of operations that a canonical graph is made of, and the modules that stand for calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from peephole.attributions.classifier import Normalise
from peephole.errors import PeepholeError


class Operation(Enum):
    """What a call site computes, however it was written. The value says it in words."""

    LINEAR = "a linear map with weights"
    """Convolutions, transposed ones, linear layers."""
    SCALE = "a normalisation by fixed statistics"
    """``y = s x + t`` place by place, with numbers that do not depend on the picture: batch normalisation in eval mode,
    a learnt scale, a position that is added."""
    RELU = "a ReLU"
    """``c·max(x, 0)``, or the same that stops rising at some value, as ReLU6 does."""
    ACTIVATION = "an activation that is no ReLU"
    """Any other function of one number."""
    SUM = "a sum"
    """The sum of two tensors that depend on the picture, each with a fixed number before it."""
    PRODUCT = "a product of two values"
    """The product of two tensors that depend on the picture: a gate, a matrix product."""
    MAXIMUM = "a maximum"
    """Max-pools, and maxima over places or channels."""
    AVERAGE = "an average"
    """Linear with fixed weights of which none is negative: average pools, means, sums over places, enlarging."""
    REARRANGEMENT = "a rearrangement"
    """Every number of the output is one of the input, or a constant: reshaping, slicing, concatenation, padding."""
    NORMALISATION = "a normalisation by its own statistics"
    """Layer, group and instance normalisation, and what is written so."""
    ATTENTION = "an attention or softmax"
    """Whose weights depend on the picture."""
    AFFINE = "an affine map of unknown weights"
    """Linear up to a constant, as numbers say, without weights that could be read."""
    SHAPE = "arithmetic of shapes"
    """What knows the shape of a tensor and nothing of its values."""
    OPAQUE = "an unknown operation"
    """Everything else."""


class Add(nn.Module):
    """The sum of two tensors, as a module: a residual connection that rules can see."""

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        """``left + right``."""
        return left + right


class WeightedSum(nn.Module):
    """``Σ_i w_i·x_i`` with fixed numbers: a difference, a sum with factors, a sum of many.

    Args:
        weights: one for each tensor.
    """

    def __init__(self, weights: tuple[float, ...]) -> None:
        super().__init__()
        self.weights = weights

    def forward(self, *tensors: Tensor) -> Tensor:
        """The sum."""
        terms = [x if w == 1 else w * x for w, x in zip(self.weights, tensors, strict=True)]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return total


class Affine(nn.Module):
    """``a·x + b`` with two fixed numbers.

    Args:
        factor: a.
        shift: b.
    """

    def __init__(self, factor: float, shift: float = 0.0) -> None:
        super().__init__()
        self.factor, self.shift = factor, shift

    def forward(self, x: Tensor) -> Tensor:
        """The product and what is added to it."""
        scaled = x if self.factor == 1 else self.factor * x
        return scaled + self.shift if self.shift else scaled


class KnownShape(nn.Module):
    """Numbers of a shape, known from the batch: each is linear in the number of pictures.

    Args:
        two, three: what the network read for two and for three pictures: a number, or a shape.
        shape: of the value that is given, for two pictures.
        axis: that of its batch.
    """

    def __init__(self, two: Any, three: Any, shape: tuple[int, ...], axis: int = 0) -> None:
        super().__init__()
        self.two, self.three, self.shape, self.axis = two, three, shape, axis

    def forward(self, value: Tensor) -> Any:
        """The numbers for a value of this shape but for the batch.

        Raises:
            PeepholeError: it belongs to pictures of another size.
        """
        sides = [list(each) for each in (value.shape, self.shape)]
        batch = sides[0].pop(self.axis) * 2 // sides[1].pop(self.axis)
        if sides[0] != sides[1]:
            raise PeepholeError(
                f"the network's code reads sizes that are known for a layer of {tuple(self.shape[1:])} only, not of "
                f"{tuple(value.shape[1:])}; canonicalise it for pictures of that size."
            )
        return _extended(self.two, self.three, batch)


def _extended(two: Any, three: Any, batch: int) -> Any:
    if isinstance(two, tuple | list):
        parts = [_extended(one, other, batch) for one, other in zip(two, three, strict=True)]
        return torch.Size(parts) if isinstance(two, torch.Size) else type(two)(parts)
    if isinstance(two, int | float) and not isinstance(two, bool):
        return two + (three - two) * (batch - 2)
    return two


@dataclass(frozen=True)
class Slot:
    """In a template: the value with this index among those that a call is given."""

    index: int


@dataclass(frozen=True)
class Held:
    """In a template: the buffer of this name."""

    name: str


@dataclass(frozen=True)
class Method:
    """A method of the first argument, as a function."""

    name: str

    def __call__(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """``value.name(*args, **kwargs)``."""
        return getattr(value, self.name)(*args, **kwargs)


class Call(nn.Module):
    """Any call that has no module of its own, for example ``torch.cat`` or a module with extra arguments.

    Args:
        function: what is called; a module becomes a submodule.
        args: positional arguments, with `Slot` where a value of the graph goes and `Held` where a buffer goes.
        kwargs: keyword arguments, in the same way.
        held: the tensors that the network's code uses directly, by name.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
        held: dict[str, Tensor] | None = None,
    ) -> None:
        super().__init__()
        self.function = function
        self.args = args
        self.kwargs = kwargs or {}
        for name, tensor in (held or {}).items():
            self.register_buffer(name, tensor.detach())

    def forward(self, *values: Any) -> Any:
        """Call the function with ``values`` in their slots."""
        return self.function(*self._filled(self.args, values), **self._filled(self.kwargs, values))

    def _filled(self, template: Any, values: tuple[Any, ...]) -> Any:
        if isinstance(template, Slot):
            return values[template.index]
        if isinstance(template, Held):
            return self.get_buffer(template.name)
        if isinstance(template, torch.Size):
            return template
        if isinstance(template, tuple) and hasattr(template, "_fields"):
            return type(template)(*(self._filled(item, values) for item in template))
        if isinstance(template, tuple | list):
            return type(template)(self._filled(item, values) for item in template)
        if isinstance(template, dict):
            return {key: self._filled(item, values) for key, item in template.items()}
        if isinstance(template, slice):
            return slice(*(self._filled(end, values) for end in (template.start, template.stop, template.step)))
        return template

    def extra_repr(self) -> str:
        """The function's name."""
        return name_of(self.function)


class Part(nn.Module):
    """A module that returns several values, and one of them.

    Args:
        module: that returns a tuple.
        index: of the value.
    """

    def __init__(self, module: nn.Module, index: Any) -> None:
        super().__init__()
        self.module, self.index = module, index

    def forward(self, *values: Any) -> Any:
        """The value."""
        return self.module(*values)[self.index]


class Region(nn.Module):
    """Several call sites that together are one function of one tensor, such as ``x * sigmoid(x)``.

    Args:
        modules: in the order in which they run.
        reads: for each of them what it is called with: -1 is the region's input, n the output of the n-th module.
        names: of the call sites.
    """

    def __init__(self, modules: list[nn.Module], reads: list[tuple[int, ...]], names: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.parts = nn.ModuleList(modules)
        self.reads, self.names = reads, names

    def forward(self, x: Any) -> Any:
        """What the last of them returns."""
        values: list[Any] = []
        for module, reads in zip(self.parts, self.reads, strict=True):
            values.append(module(*[x if index < 0 else values[index] for index in reads]))
        return values[-1]


BY_MODULE: Mapping[type[nn.Module], Operation] = MappingProxyType(
    {
        **dict.fromkeys((nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d), Operation.LINEAR),
        **dict.fromkeys((nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d), Operation.LINEAR),
        nn.modules.batchnorm._BatchNorm: Operation.SCALE,
        **dict.fromkeys((Normalise, Affine), Operation.SCALE),
        **dict.fromkeys((nn.ReLU, nn.ReLU6), Operation.RELU),
        **dict.fromkeys((nn.LeakyReLU, nn.PReLU, nn.RReLU, nn.ELU, nn.SELU, nn.CELU), Operation.ACTIVATION),
        **dict.fromkeys((nn.GELU, nn.SiLU, nn.Mish, nn.Sigmoid, nn.Tanh, nn.Softplus), Operation.ACTIVATION),
        **dict.fromkeys((nn.Softsign, nn.Hardsigmoid, nn.Hardswish, nn.LogSigmoid), Operation.ACTIVATION),
        **dict.fromkeys((nn.Hardshrink, nn.Softshrink, nn.Tanhshrink), Operation.ACTIVATION),
        **dict.fromkeys((Add, WeightedSum), Operation.SUM),
        **dict.fromkeys((nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d), Operation.MAXIMUM),
        **dict.fromkeys((nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d), Operation.MAXIMUM),
        **dict.fromkeys((nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d), Operation.AVERAGE),
        **dict.fromkeys((nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d), Operation.AVERAGE),
        **dict.fromkeys((nn.UpsamplingNearest2d, nn.UpsamplingBilinear2d), Operation.AVERAGE),
        **dict.fromkeys(
            (nn.Identity, nn.modules.dropout._DropoutNd, nn.Flatten, nn.Unflatten), Operation.REARRANGEMENT
        ),
        **dict.fromkeys((nn.PixelShuffle, nn.PixelUnshuffle, nn.ChannelShuffle), Operation.REARRANGEMENT),
        **dict.fromkeys((nn.ZeroPad1d, nn.ZeroPad2d, nn.ZeroPad3d), Operation.REARRANGEMENT),
        **dict.fromkeys((nn.LayerNorm, nn.GroupNorm, nn.LocalResponseNorm, nn.RMSNorm), Operation.NORMALISATION),
        nn.modules.instancenorm._InstanceNorm: Operation.NORMALISATION,
        **dict.fromkeys(
            (nn.MultiheadAttention, nn.Softmax, nn.Softmax2d, nn.Softmin, nn.LogSoftmax), Operation.ATTENTION
        ),
        KnownShape: Operation.SHAPE,
    }
)
"""What modules of torch and ours compute; subclasses too."""


def operation_of(module: nn.Module) -> Operation:
    """What a call site's module computes."""
    # Batch normalisation without running statistics takes those of the batch; so does instance normalisation.
    if isinstance(module, nn.modules.batchnorm._NormBase):
        return Operation.NORMALISATION if module.running_mean is None else Operation.SCALE
    return next((BY_MODULE[base] for base in type(module).__mro__ if base in BY_MODULE), Operation.OPAQUE)


def is_hooked(module: nn.Module) -> bool:
    """Whether somebody's hook stands at a module, or at the one that it calls: then its type does not say it all."""
    inner = module.function if isinstance(module, Call) else module
    return isinstance(inner, nn.Module) and bool(inner._forward_hooks or inner._forward_pre_hooks)


def name_of(called: object) -> str:
    """How a function, a method or a module is called in messages."""
    if isinstance(called, Call):
        return name_of(called.function)
    if isinstance(called, Method):
        return called.name
    if isinstance(called, Region):
        return " and ".join(dict.fromkeys(name_of(part) for part in called.parts))
    if isinstance(called, nn.Module):
        return type(called).__name__
    return getattr(called, "__name__", None) or repr(called)
