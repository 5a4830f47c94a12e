"""Where the tensors of a network keep their channels and places, found out by how the network uses them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from peephole.attributions.frames import PLAIN, Frame
from peephole.attributions.layers import crossings
from peephole.attributions.operations import Call, Operation
from peephole.attributions.site import Site

FIRST: tuple[type[nn.Module], ...] = (
    *(nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d, nn.InstanceNorm2d, nn.GroupNorm, nn.MaxPool2d, nn.AvgPool2d),
    *(nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d, nn.LocalResponseNorm, nn.PixelShuffle),
)
"""Modules that read channels on the axis behind the batch."""

IN_PLACE = frozenset(
    {Operation.SCALE, Operation.RELU, Operation.ACTIVATION, Operation.SUM, Operation.PRODUCT, Operation.NORMALISATION}
)
"""Operations whose output keeps the axes of its inputs."""

MIXING = frozenset({Operation.PRODUCT, Operation.ATTENTION})
"""Operations that may make four axes of something else than a picture: heads, tokens and numbers of an attention."""

MOST_EXTRA = 16
"""The most tokens without a place."""

Shapes = Mapping[int, tuple[int, ...]]
Run = Callable[[Mapping[int, Tensor], int], Tensor]
"""The value of a number, where some values are given others than the example pictures make."""


def place(sites: Sequence[Site], shapes: Shapes, run: Run) -> list[Site]:
    """The sites, with the frame of what each returns.

    A tensor of four axes has its channels where the nearest convolution, normalisation or linear layer that makes or
    reads it has them, and behind the batch if none says; what a product or an attention made of something else, and
    nothing says a channel of, is no picture. A tensor of three axes has places if it has as many tokens as
    the last tensor of four axes before it has places, and perhaps a few in front; which token is which place is tried
    with pictures: a change of one place must change that token alone.

    Args:
        sites: of a network.
        shapes: of its values, with the batch.
        run: runs it on the example pictures.
    """
    channels = _channel_axes(sites, shapes)
    crossed = {0, *crossings(sites)}
    frames: dict[int, Frame] = {0: PLAIN}
    grid: tuple[int, int] | None = None
    placeless: set[int] = set()
    source, extra_of = 0, dict[tuple[int, int], int | None]()
    for site in sites:
        shape = shapes.get(site.output, ())
        if len(shape) == 4 and shape[0] == shapes[0][0]:
            unread = site.output not in channels
            if unread and (site.operation in MIXING or any(number in placeless for number in site.inputs)):
                placeless.add(site.output)
                continue
            last = channels.get(site.output) == 3
            frames[site.output] = Frame(channels_last=last)
            if site.output in crossed:  # what lies beside others (queries and keys, say) are no pictures
                height, width = shape[1:3] if last else shape[2:]
                grid, source = (height, width), site.output
        elif len(shape) == 3 and grid is not None and grid[0] * grid[1] > 1 and shape[0] == shapes[0][0]:
            last = channels.get(site.output, 2) == 2
            count = shape[1] if last else shape[2]
            if (source, count) not in extra_of:
                extra_of[source, count] = _extra(site, shapes, run, source, frames[source], grid, last)
            extra = extra_of[source, count]
            if extra is not None:
                frames[site.output] = Frame(last, grid, extra)
    return [replace(site, frame=frames.get(site.output)) for site in sites]


def _channel_axes(sites: Sequence[Site], shapes: Shapes) -> dict[int, int]:
    """The axis of the channels of each value, where something says it."""
    axes: dict[int, int] = {0: 1}
    for _ in range(3):  # there and back: what a reader says holds for what it reads, however far
        for site in sites:
            _pass_on(site, shapes, axes)
        for site in reversed(sites):
            _pass_on(site, shapes, axes)
    return axes


def _pass_on(site: Site, shapes: Shapes, axes: dict[int, int]) -> None:
    own = [*site.inputs, site.output]
    count = len(shapes.get(site.output, ()))
    if isinstance(site.module, FIRST) or (isinstance(site.module, nn.Conv1d) and count == 3):
        _note(axes, dict.fromkeys(own, 1))
    elif isinstance(site.module, nn.Linear | nn.LayerNorm) and count > 2:
        _note(axes, dict.fromkeys(own, count - 1))
    elif (site.operation in IN_PLACE and count > 2) or isinstance(site.module, nn.Identity | nn.Dropout):
        known = [axes[number] for number in own if number in axes and len(shapes.get(number, ())) == count]
        if known:
            _note(axes, {number: known[0] for number in own if len(shapes.get(number, ())) == count})
    else:
        order = _permutation(site, shapes)
        if order is not None:
            (before,), after = site.inputs, site.output
            if before in axes:
                _note(axes, {after: order.index(axes[before])})
            elif after in axes:
                _note(axes, {before: order[axes[after]]})


def _note(axes: dict[int, int], said: Mapping[int, int]) -> None:
    for number, axis in said.items():
        axes.setdefault(number, axis)


def _permutation(site: Site, shapes: Shapes) -> list[int] | None:
    """The order in which a site puts the axes of its input, if that is all it does."""
    if not isinstance(site.module, Call) or len(site.inputs) != 1 or site.operation is not Operation.REARRANGEMENT:
        return None
    shape, after = shapes.get(site.inputs[0], ()), shapes.get(site.output, ())
    if len(shape) not in (3, 4) or len(after) != len(shape):
        return None
    sides = [2 + index for index in range(len(shape))]
    numbered = torch.stack(torch.meshgrid(*map(torch.arange, sides), indexing="ij"), -1)
    try:
        moved: Any = torch.stack([site.module(numbered[..., index]) for index in range(len(sides))], -1)
    except (RuntimeError, TypeError, IndexError, ValueError):
        return None
    order = [sides.index(side) if side in sides else -1 for side in moved.shape[:-1]]
    if sorted(order) != list(range(len(sides))):
        return None
    return order if torch.equal(moved, numbered.permute(*order, len(sides))) else None


def _extra(
    site: Site,
    shapes: Shapes,
    run: Run,
    source: int,
    frame: Frame,
    grid: tuple[int, int],
    last: bool,
) -> int | None:
    """How many tokens stand before those of the places; None if tokens are not places, row by row."""
    count = shapes[site.output][1 if last else 2]
    extra = count - grid[0] * grid[1]
    if not 0 <= extra <= MOST_EXTRA:
        return None
    before, usual = run({}, source), _rows(run({}, site.output), last)
    for row, column in {(0, 0), (0, grid[1] - 1), (grid[0] - 1, 0), (grid[0] // 2, grid[1] // 3)}:
        changed = before.clone()
        frame.picture(changed)[:, :, row, column] += 1
        found = _rows(run({source: changed}, site.output), last)
        moved = (found != usual).any(-1)[0].nonzero().flatten().tolist()
        if moved != [extra + row * grid[1] + column]:
            return None
    return extra


def _rows(values: Tensor, last: bool) -> Tensor:
    return values if last else values.transpose(1, 2)
