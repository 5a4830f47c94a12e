"""What an unknown call computes, found out by calling it with numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from peephole.attributions.operations import Affine, Operation

Function = Callable[[Tensor], Tensor]

GRID = (
    *(-7.7177, -1.23457, -0.033333),
    *(-100.0, -20.0, -8.0, -6.5, -5.0, -4.0, -3.5, -3.0, -2.5, -2.0, -1.5, -1.0, -0.75, -0.5, -0.25, -0.1, -0.01, 0.0),
    *(0.01, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 5.5, 6.5, 7.0, 8.0, 12.0, 20.0, 100.0),
    *(0.013717, 0.718282, 3.141593),
)
"""The numbers that a function of one number is asked for."""


@dataclass(frozen=True)
class Found:
    """What a call was found to compute.

    Attributes:
        operation: in the vocabulary.
        modules: that one after the other are the same function, if there are such.
        ceiling: whether it is a ReLU that stops rising.
    """

    operation: Operation
    modules: tuple[nn.Module, ...] = ()
    ceiling: bool = False


@torch.no_grad()
def probe(function: Function, like: Tensor) -> Found | None:
    """What a function of one tensor computes, as far as numbers say: None if it is nothing that is known.

    It is called with some ten tensors. Looked for, in this order: a function of one number, the same everywhere (the
    identity, a ReLU, a scale, an activation); a scale and a shift place by place; an affine map, an average if no
    weight of it is negative; another function of one number in each place; a normalisation by its own statistics,
    which does not mind a factor.

    Args:
        function: gives a tensor for a tensor of the shape of ``like``, two pictures.
        like: what it is called with in the network.
    """

    def guarded(x: Tensor) -> Tensor:
        try:
            return function(x)
        except (RuntimeError, ValueError, IndexError, TypeError) as error:
            raise _NotTaken from error

    try:
        output = guarded(like)
        if not isinstance(output, Tensor) or not output.is_floating_point() or not like.is_floating_point():
            return None
        same = output.shape == like.shape
        return (
            (_pointwise(guarded, like) if same else None)
            or (_scale(guarded, like) if same else None)
            or _affine(guarded, like)
            or (_place_by_place(guarded, like) if same else None)
            or (_normalisation(guarded, like) if same else None)
        )
    except _NotTaken:
        return None


class _NotTaken(Exception):
    """The function does not take such numbers: then it is not known."""


def tolerance(like: Tensor) -> float:
    """The relative difference that rounding makes in numbers of a type, with room."""
    return 1e-9 if like.dtype == torch.float64 else 1e-4 if like.dtype == torch.float32 else 2e-2


def rounding(like: Tensor) -> float:
    """The relative difference that rounding makes in numbers of a type, with little room: what is less is the same."""
    return 16 * torch.finfo(like.dtype).eps


def equal(left: Tensor, right: Tensor) -> bool:
    """Whether two tensors are the same but for rounding."""
    size = float(right.abs().nan_to_num(0, 0, 0).max()) if right.numel() else 0.0
    return torch.allclose(left, right, rtol=0, atol=tolerance(left) * (1 + size), equal_nan=True)


def draw(like: Tensor, seed: int) -> Tensor:
    """Normal random numbers in the shape, type and place of a tensor."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(like.shape, generator=generator, dtype=torch.float64).to(like)


def _pointwise(function: Function, like: Tensor) -> Found | None:
    """Whether every number of the output is one and the same function of the number in its place."""
    grid = torch.tensor(GRID, dtype=torch.float64).to(like)
    count, size = len(grid), like.numel()
    index = torch.arange(size, device=like.device)
    graph = torch.full_like(grid, float("nan"))
    known = torch.zeros_like(grid, dtype=torch.bool)
    # Every number at several places, and every place with several numbers.
    for shift in sorted({0, 1, 7, 19, *range(0, count, max(1, size)), count, count + 1}):
        # The last two with numbers of one sign, so that no sum over them hides what the function asks for.
        first, some = (0, count) if shift < count else (0, count // 2) if shift == count else (count // 2, count // 2)
        asked = first + (index * (1 + 2 * (shift % 3)) + shift) % some
        given = function(grid[asked].reshape(like.shape)).reshape(-1)
        new = torch.full_like(grid, float("nan")).scatter_(0, asked, given)
        here = torch.zeros_like(known).scatter_(0, asked, True)
        graph, known = torch.where(known, graph, new), known | here
        if not torch.allclose(given, graph[asked], rtol=tolerance(like), atol=tolerance(like), equal_nan=True):
            return None
    return _named(grid, graph) if bool(known.all()) else None


def _named(x: Tensor, y: Tensor) -> Found:
    """The function of one number with this graph."""
    exact = rounding(x)
    if torch.allclose(y, x, rtol=exact, atol=0):  # which a small number that is added is not
        return Found(Operation.REARRANGEMENT, (nn.Identity(),))
    zero, one = float(y[GRID.index(0.0)]), float(y[GRID.index(1.0)])
    if equal(y, zero + (one - zero) * x):
        return Found(Operation.SCALE)
    slope = float(y[GRID.index(0.01)] / x[GRID.index(0.01)])
    if slope > 0 and y.isfinite().all() and not y[x <= 0].any():
        cap = float(y.max()) / slope
        if equal(y, slope * x.clamp(0, cap)):
            plain, whole = abs(slope - 1) < exact, cap > (1 - exact) * max(GRID)
            module = nn.ReLU() if whole else nn.ReLU6() if abs(cap - 6) < 6 * exact else None
            return Found(Operation.RELU, (module,) if plain and module else (), ceiling=not whole)
    moved = _moved_relu(x, y) if y.isfinite().all() else None
    return Found(Operation.RELU, moved) if moved else Found(Operation.ACTIVATION)


def _moved_relu(x: Tensor, y: Tensor) -> tuple[nn.Module, ...] | None:
    """``v·relu(±(x − t)) + u`` as three modules, if the graph is that: level on one side of t, straight on the other.

    ``min(x, t)`` is ``t − relu(t − x)``, and has the maps of that spelling.
    """
    order = x.double().argsort()
    x, y = x.double()[order], y.double()[order]
    for side in (1, -1):
        x, y = (x, y) if side > 0 else (-x.flip(0), y.flip(0))
        level = float(y[0])
        slope = float((y[-1] - y[-2]) / (x[-1] - x[-2]))
        if slope == 0:
            continue
        knee = float(x[-1]) - (float(y[-1]) - level) / slope
        knee, level, slope = (round(value, 12) + 0.0 for value in (knee, level, slope))
        if x[1] < knee < x[-2] and equal(level + slope * (x - knee).clamp(min=0), y):
            return Affine(float(side), -knee), nn.ReLU(), Affine(slope, level)
    return None


def _scale(function: Function, like: Tensor) -> Found | None:
    """Whether the output is ``s x + t`` place by place."""
    shift = function(torch.zeros_like(like))
    scale = function(torch.ones_like(like)) - shift
    for x in (draw(like, 0), -draw(like, 0), -3 * draw(like, 1), draw(like, 2).abs(), -draw(like, 3).abs()):
        if not equal(function(x), scale * x + shift):
            return None
    return Found(Operation.SCALE)


def _affine(function: Function, like: Tensor) -> Found | None:
    """Whether the output is linear in the input, up to a constant."""
    shift = function(torch.zeros_like(like))
    left, right = draw(like, 2), draw(like, 3)
    for x, y in ((left, right), (4 * left, -3 * left), (left.abs(), -right.abs())):
        if not equal(function(x) + function(y), function(x + y) + shift):
            return None
    if not shift.any() and all(_is_positive(function, like, seed) for seed in range(4, 8)):
        return Found(Operation.AVERAGE)
    return Found(Operation.AFFINE)


def _is_positive(function: Function, like: Tensor, seed: int) -> bool:
    """Whether a few positive numbers among zeros give no negative ones."""
    x = draw(like, seed)
    given = function(x.abs() * (x.abs() > 1.5))
    return float(given.min()) >= -tolerance(like) * float(given.abs().max())


def _place_by_place(function: Function, like: Tensor) -> Found | None:
    """Whether every number of the output hangs on the number in its place alone: another activation in each channel."""
    for seed in range(10, 14):
        left, right = 2 * draw(like, seed), 2 * draw(like, seed + 10)
        mine = draw(like, seed + 20) > 0
        if not equal(function(torch.where(mine, left, right)), torch.where(mine, function(left), function(right))):
            return None
    return Found(Operation.ACTIVATION)


def _normalisation(function: Function, like: Tensor) -> Found | None:
    """Whether a factor before the input changes nothing, which says that the function divides by a size."""
    x = 3 * draw(like, 8)
    once, more = function(x), function(5 * x)
    if once.isfinite().all() and torch.allclose(once, more, rtol=1e-2, atol=1e-2 * float(once.abs().max())):
        return Found(Operation.NORMALISATION)
    return None
