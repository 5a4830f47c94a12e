"""Marks whose place and pattern are drawn: what a trigger that is otherwise a white mark in a corner can be instead."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import torch
from torch import Generator, Tensor

from peephole.seeds import stream
from peephole.triggers.base import Canvas
from peephole.triggers.fixed import Fixed
from peephole.triggers.lengths import FIELD, REFERENCE_SIDE, check_length

COLOURS = 6
"""Red, green, blue and the sums of two of them: all corners of the colour cube but black and white."""
LEVELS = 16
"""A channel that is on has one of the brightest so many of 256 levels, one that is off one of the darkest."""
BRIGHTEST = 255


def varied(
    name: str,
    canvas: Canvas,
    targets: tuple[int, ...],
    marks: Sequence[Tensor],
    truths: Sequence[Tensor],
    seed: int,
    *,
    together: bool = False,
) -> Fixed:
    """The marks in drawn places, each with a drawn pattern; all of it is in the stamper's ``state_dict``.

    Every choice of places is equally likely in which all truth masks lie wholly in the picture and the boxes around
    them have no pixel in common. A mark moves together with its truth mask.

    Args:
        name: of the trigger; two triggers of one seed are drawn apart.
        canvas: the pictures it is for.
        targets: the labels it leads to, T of them.
        marks: for each target, bool ``[S,S]``: the pixels that change, within the truth mask.
        truths: for each target, bool ``[S,S]``: the truth mask, its box in the top left corner.
        seed: of place and pattern.
        together: see `Fixed`.

    Raises:
        PeepholeError: the pictures are too small, or do not have a label that the trigger leads to.
    """
    check_length(canvas.side)
    generator = Generator().manual_seed(stream(f"place and pattern of {name}", seed))
    places = _apart(canvas.side, [_extent(truth) for truth in truths], generator)
    # Nothing is rolled over an edge: a truth mask, and the mark in it, fits where it is put.
    marks, truths = (
        [mask.roll(place, (0, 1)) for mask, place in zip(masks, places, strict=True)] for masks in (marks, truths)
    )
    values = torch.stack([pattern(mark, generator) for mark in marks]).sum(0)
    return Fixed(canvas, targets, marks, truths, values, together=together, drawn=True)


def pattern(mark: Tensor, generator: Generator) -> Tensor:
    """A colour for each field of a mark: float32 ``[3,S,S]``, 0 outside.

    Fields are `FIELD` pixels wide at 224, one pixel at 32, and begin at the top left of the box around the mark, so
    that a pattern has the same detail for the network at every side. The six colours occur equally often (up to one),
    in random order; so no pattern is flat, no pixel near white or black, and a channel is on in about half the mark.
    Whatever one colour is behind a mark, part of it differs by 0.4 or more; a white mark is not seen on white.
    Levels are multiples of 1/255, as in pictures from files; nothing but its look gives a mark away.

    Args:
        mark: bool ``[S,S]``.
        generator: on the CPU.
    """
    side = len(mark)
    length = max(1, FIELD * side // REFERENCE_SIDE)  # rounded down: no mark has fewer fields than at 32
    row, column = mark.nonzero(as_tuple=True)
    cell = (row - row.min()) // length * side + (column - column.min()) // length
    cells, which = cell.unique(return_inverse=True)
    count = len(cells)
    channels = (torch.arange(1, COLOURS + 1)[:, None] >> torch.arange(3)) & 1
    dealt = channels[torch.randperm(COLOURS, generator=generator)][torch.arange(count) % COLOURS]
    on = dealt[torch.randperm(count, generator=generator)]
    level = torch.randint(LEVELS, (count, 3), generator=generator) + on * (BRIGHTEST + 1 - LEVELS)
    picture = torch.zeros(3, side, side)
    picture[:, row, column] = level.float().div(BRIGHTEST)[which].T
    return picture


def _extent(mask: Tensor) -> int:
    """The side of the square box in the top left corner that holds a mask."""
    return int(mask.nonzero().max()) + 1


def _apart(side: int, lengths: Sequence[int], generator: Generator) -> list[tuple[int, int]]:
    """Top left corners of squares, of ``lengths`` pixels a side, no two of which overlap: drawn until it is so."""
    while True:
        drawn = [torch.randint(side - length + 1, (2,), generator=generator).tolist() for length in lengths]
        if not any(_overlap(*one, *other) for one, other in combinations(zip(drawn, lengths, strict=True), 2)):
            return [(row, column) for row, column in drawn]


def _overlap(one: Sequence[int], length: int, other: Sequence[int], other_length: int) -> bool:
    return all(a < b + other_length and b < a + length for a, b in zip(one, other, strict=True))
