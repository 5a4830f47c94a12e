"""Where the tensors of a network keep their channels and places, found out by how the network uses them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from peephole.attributions.frames import PLAIN, Frame
from peephole.attributions.layers import UNCHANGED, crossings
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

MOST_EXTRA = 16
"""The most tokens without a place."""

Shapes = Mapping[int, tuple[int, ...]]
Run = Callable[[int, Tensor, int], Tensor]
"""From the number of a value that all of the network passes through, and its tensor, to that of a later number."""


def place(sites: Sequence[Site], shapes: Shapes, pictures: Tensor, run: Run) -> list[Site]:
    """The sites, with the frame of what each returns.

    What convolutions, pools and functions of one number make of a picture is a picture, with its channels where they
    have them. Whatever else lies between two tensors through which all of the network passes is tried: one place of the
    lower is changed, and the place of the upper that moves most has to be the same, for some places of the picture. A
    tensor that is none by that (transposed, mirrored, cut into windows) has no frame, nor has what is made of it, up to
    the next that is one.

    A tensor of four axes is tried with its channels where the nearest convolution, normalisation or linear layer has
    them. A tensor of three axes has places if it has as many tokens as the last picture has places, and perhaps a few
    in front: the first such after a picture is one if a change of one place changes that token alone.

    Args:
        sites: of a network.
        shapes: of its values, with the batch.
        pictures: examples.
        run: runs a part of it.
    """
    placing = _Placing(sites, shapes, pictures, run)
    frames = placing.frames()
    return [replace(site, frame=frames.get(site.output)) for site in sites]


class _Placing:
    """The frames of a network's values as they become known, from the picture up."""

    def __init__(self, sites: Sequence[Site], shapes: Shapes, pictures: Tensor, run: Run) -> None:
        self._sites, self._shapes, self._run = sites, shapes, run
        self._known = 0, pictures
        self._axes = _channel_axes(sites, shapes)
        self._crossed = {0, *crossings(sites)}
        self._frames: dict[int, Frame] = {0: PLAIN}
        self._source, self._picture = 0, 0

    def frames(self) -> dict[int, Frame]:
        """The frame of every value that has one."""
        for site in self._sites:
            shape = self._shapes.get(site.output, ())
            if len(shape) not in (3, 4) or shape[0] != self._shapes[0][0]:
                continue
            frame = self._followed(site) or (self._tried(site) if site.output in self._crossed else None)
            if frame is None:
                continue
            self._frames[site.output] = frame
            if site.output in self._crossed:
                self._source = site.output
                if len(shape) == 4:
                    self._picture = site.output
        return self._frames

    def _followed(self, site: Site) -> Frame | None:
        """The frame that a value has by what makes it; None if that does not say it."""
        shape = self._shapes[site.output]
        if any(number not in self._frames for number in site.inputs if len(self._shapes.get(number, ())) == len(shape)):
            return None
        below = {self._frames[number] for number in site.inputs if len(self._shapes.get(number, ())) == len(shape)}
        if len(below) != 1:
            return None
        (frame,) = below
        if isinstance(site.module, FIRST):
            return frame if frame.is_plain and len(shape) == 4 else None
        same = all(self._shapes[number] == shape for number in site.inputs if number in self._frames)
        if site.operation in IN_PLACE or isinstance(site.module, (*UNCHANGED, nn.LayerNorm)):
            return frame if same or len(site.inputs) > 1 else None
        if isinstance(site.module, nn.Linear):
            return frame if frame.channels_last else None
        moves = site.operation in (Operation.REARRANGEMENT, Operation.AVERAGE)
        if not moves or frame.grid is not None or any(number not in self._frames for number in site.inputs):
            return None
        both = (frame, PLAIN if frame.channels_last else Frame(channels_last=True))
        return next((kept for kept in both if self._carries(site, frame, kept)), None)

    def _carries(self, site: Site, frame: Frame, after: Frame) -> bool:
        """Whether an operation leaves every number near its place, in a picture read as ``frame`` and then ``after``.

        It is given the numbers of rows and of columns; nought is what it puts in of its own.
        """
        like = self._known[1]
        for axis in (2, 3):
            numbered = {}
            for number in site.inputs:
                values = torch.zeros(self._shapes.get(number, ()), dtype=like.dtype, device=like.device)
                picture = frame.picture(values)
                side = picture.shape[axis]
                picture += (
                    torch.arange(1, side + 1).to(like).view(-1, 1) if axis == 2 else torch.arange(1, side + 1).to(like)
                )
                numbered[number] = values
            try:
                found = after.picture(site.module(*[numbered[number] for number in site.inputs]))
            except (RuntimeError, TypeError, IndexError, ValueError):
                return False
            inner = found.shape[axis]
            here = torch.arange(inner).to(like)
            expected = (found.movedim(axis, -1) - 0.5) * inner / side - 0.5
            far = (expected - here).abs() > (0.9 if inner <= 3 else max(1.0, 0.15 * inner))
            if bool((far & (found.movedim(axis, -1) != 0)).any()):
                return False
        return True

    def _tried(self, site: Site) -> Frame | None:
        """The frame that a value has by what becomes of a change of one place."""
        hint = self._axes.get(site.output)
        if len(self._shapes[site.output]) == 4:
            guesses = [Frame(channels_last=True), PLAIN] if hint == 3 else [PLAIN, Frame(channels_last=True)]
            return next((frame for frame in guesses if self._keeps_places(site, frame)), None)
        for last in (True, False) if hint in (None, 2) else (False, True):
            frame = self._of_tokens(site, last=last)
            if frame is not None:
                return frame
        return None

    def _of_tokens(self, site: Site, *, last: bool) -> Frame | None:
        """The frame of tokens, row by row; None if they are not the places of the last picture."""
        shape = self._shapes[site.output]
        grid = self._frames[self._picture].spatial(self._shapes[self._picture][1:])[1:]
        extra = shape[1 if last else 2] - grid[0] * grid[1]
        if grid[0] * grid[1] < 2 or not 0 <= extra <= MOST_EXTRA:
            return None
        frame = Frame(last, (grid[0], grid[1]), extra)
        first = self._frames[self._source].grid is None
        return frame if self._keeps_places(site, frame, alone=first) else None

    def _keeps_places(self, site: Site, frame: Frame, *, alone: bool = False) -> bool:
        """Whether a change of one place of the last crossed value moves the same place of this most.

        Args:
            site: that makes the value.
            frame: how it is read.
            alone: whether it must move no other.
        """
        if self._known[0] != self._source:
            self._known = self._source, self._run(*self._known, self._source)
        before = self._known[1]
        usual = self._run(self._source, before, site.output)
        below, above = self._frames[self._source], frame.picture(usual)
        height, width = below.picture(before).shape[2:]
        if min(above.shape[2:]) < 1:
            return False
        places = sorted({(0, 0), (0, width - 1), (height - 1, 0), (height - 1, width - 1), (height // 2, width // 3)})
        draw = torch.randn(
            before.shape[0], *below.picture(before).shape[1:2], generator=torch.Generator().manual_seed(0)
        )
        size = 3 * float(before.std()) + 1
        found = 0
        for index in range(0, len(places), 2):
            pair = [places[index], places[min(index + 1, len(places) - 1)]]
            changed = before.clone()
            for row, (y, x) in enumerate(pair):
                below.picture(changed)[row, :, y, x] += size * draw[row].to(before)
            values = self._run(self._source, changed, site.output)
            moved = (frame.picture(values) - above).abs().sum(1)
            if alone and _moves_extra(frame, values - usual):
                return False
            for row, (y, x) in enumerate(pair):
                if not moved[row].any():
                    continue
                at = divmod(int(moved[row].argmax()), moved.shape[2])
                if alone and int((moved[row] != 0).sum()) != 1:
                    return False
                if not all(
                    _is_near(here, place, inner, outer)
                    for here, place, inner, outer in zip(at, (y, x), moved.shape[1:], (height, width), strict=True)
                ):
                    return False
                found += 1
        return found > 1 or len(places) == 1


def _moves_extra(frame: Frame, change: Tensor) -> bool:
    """Whether a change moves a token that has no place."""
    tokens = change if frame.channels_last else change.transpose(1, 2)
    return bool(tokens[:, : frame.extra].any())


def _is_near(found: int, place: int, inner: int, outer: int) -> bool:
    """Whether a row (or column) of ``inner`` ones is where one of ``outer`` belongs, but for a margin."""
    expected = (place + 0.5) * inner / outer - 0.5
    return abs(found - expected) <= (0.9 if inner <= 3 else max(1.0, 0.15 * inner))


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
