"""Weights of affine maps that are written without a layer, read off by asking for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from peephole.attributions.canonicalisation.probing import draw, equal
from peephole.attributions.operations import Call, Method, Operation, Slot

Function = Callable[[Tensor], Tensor]

WIDEST = 8192
"""The widest rows whose weights are read off one by one."""

MOST_ROWS = 256
"""The most rows that are given at once."""

CONVOLUTIONS = {3: nn.Conv1d, 4: nn.Conv2d, 5: nn.Conv3d}
"""The convolution of a single place, by the axes of its tensor."""

Parts = tuple[tuple[nn.Module, Operation], ...]
"""Modules that one after the other are a function, and what each computes."""


class _NotTaken(Exception):
    """The function does not take such tensors."""


@torch.no_grad()
def linear_parts(function: Function, like: Tensor) -> Parts | None:
    """The layers that an affine function is: one linear layer, with the axes put in order around it where need be.

    It is one if it makes rows of rows, or mixes the numbers along one axis, everywhere alike: ``W @ x`` of tokens, an
    ``einsum`` over channels. None if it is neither.

    Args:
        function: gives a tensor for one of the shape of ``like``.
        like: what it is called with, two pictures.
    """

    def guarded(x: Tensor) -> Tensor:
        try:
            output = function(x)
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            raise _NotTaken from error
        if not isinstance(output, Tensor):
            raise _NotTaken
        return output

    try:
        for mapping in _mappings(guarded, like):
            linear = _read(mapping, like)
            if linear is not None and equal(mapping.whole(linear)(draw(like, 9)), guarded(draw(like, 9))):
                return mapping.parts(linear)
    except _NotTaken:
        return None
    return None


@dataclass(frozen=True)
class _Mapping:
    """A guess: the function mixes what lies along one axis, and puts the result on another."""

    function: Function
    inputs: int
    outputs: int
    ndim: int

    def rows(self, x: Tensor) -> Tensor:
        """``[…, numbers that are mixed]``."""
        return x.movedim(self.inputs, -1)

    def whole(self, linear: nn.Linear) -> Function:
        return lambda x: linear(self.rows(x)).movedim(-1, self.outputs)

    def parts(self, linear: nn.Linear) -> Parts:
        last = self.ndim - 1
        if self.inputs == self.outputs == 1 < last and self.ndim in CONVOLUTIONS:
            return ((_of_places(linear, self.ndim), Operation.LINEAR),)
        found: list[tuple[nn.Module, Operation]] = []
        if self.inputs != last:
            found.append((_moved(self.inputs, -1), Operation.REARRANGEMENT))
        found.append((linear, Operation.LINEAR))
        if self.outputs != last:
            found.append((_moved(-1, self.outputs), Operation.REARRANGEMENT))
        return tuple(found)


@dataclass(frozen=True)
class _Rows(_Mapping):
    """A guess: the function makes a row of all numbers of a picture."""

    def rows(self, x: Tensor) -> Tensor:
        return x.flatten(1)

    def parts(self, linear: nn.Linear) -> Parts:
        return ((nn.Flatten().eval(), Operation.REARRANGEMENT), (linear, Operation.LINEAR))


def _mappings(function: Function, like: Tensor) -> Iterator[_Mapping]:
    """The guesses that the shapes allow."""
    shape, after = like.shape, function(like).shape
    for inputs in range(1, len(shape)):
        for outputs in range(1, len(after)):
            others = [*shape[:inputs], *shape[inputs + 1 :]], [*after[:outputs], *after[outputs + 1 :]]
            if len(shape) == len(after) and others[0] == others[1] and shape[inputs] <= WIDEST:
                yield _Mapping(function, inputs, outputs, len(shape))
    if len(after) == 2 < len(shape) and shape[1:].numel() <= WIDEST:
        yield _Rows(function, 1, 1, 2)


def _read(mapping: _Mapping, like: Tensor) -> nn.Linear | None:
    """The weights, if the function is such a map as far as asking for them tells."""
    zeros = torch.zeros_like(like)
    width = mapping.rows(zeros).shape[-1]
    shift = mapping.function(zeros).movedim(mapping.outputs, -1)
    bias = shift.flatten(0, -2)[0]
    if not equal(shift, bias.expand_as(shift)):
        return None
    columns: list[Tensor] = []
    at_once = min(MOST_ROWS, max(2, -(-width * width // zeros[0].numel())))
    while len(columns) < width:
        basis = mapping.rows(zeros.new_zeros(at_once, *like.shape[1:])).clone()
        places = basis.flatten(0, -2)
        asked = min(len(places), width - len(columns))
        places[range(asked), range(len(columns), len(columns) + asked)] = 1
        x = places.reshape(basis.shape)
        x = x.reshape(at_once, *like.shape[1:]) if isinstance(mapping, _Rows) else x.movedim(-1, mapping.inputs)
        given = mapping.function(x).movedim(mapping.outputs, -1) - bias
        columns += list(given.flatten(0, -2)[:asked])
    with torch.device("meta"):
        linear = nn.Linear(width, len(bias), bias=bool(bias.any()))
    linear.weight = nn.Parameter(torch.stack(columns, 1).contiguous(), requires_grad=False)
    if linear.bias is not None:
        linear.bias = nn.Parameter(bias.clone(), requires_grad=False)
    return linear.eval()


def _of_places(linear: nn.Linear, ndim: int) -> nn.Module:
    """A linear layer over channels as a convolution of single places."""
    with torch.device("meta"):
        convolution = CONVOLUTIONS[ndim](linear.in_features, linear.out_features, 1, bias=linear.bias is not None)
    weight = linear.weight.detach().reshape(*linear.weight.shape, *[1] * (ndim - 2))
    convolution.weight = nn.Parameter(weight, requires_grad=False)
    if linear.bias is not None:
        convolution.bias = nn.Parameter(linear.bias.detach(), requires_grad=False)
    return convolution.eval()


def _moved(source: int, to: int) -> nn.Module:
    return Call(Method("movedim"), (Slot(0), source, to)).eval()
