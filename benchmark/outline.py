"""Where a mask ends: between the pixels that are in it and those that are not."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]


def borders(mask: NDArray[np.bool_]) -> Iterator[tuple[Point, Point]]:
    """The edges between what is in the mask ``[H,W]`` and what is not, each as long as it goes straight on.

    Yields:
        (x, y) of both ends, in pixels from the top left corner.
    """
    padded = np.pad(mask, 1)
    for y, begin, end in _runs(padded[1:, 1:-1] != padded[:-1, 1:-1]):
        yield (begin, y), (end, y)
    for x, begin, end in _runs((padded[1:-1, 1:] != padded[1:-1, :-1]).T):
        yield (x, begin), (x, end)


def _runs(edges: NDArray[np.bool_]) -> Iterator[tuple[float, float, float]]:
    """Line, begin and end of all that is True without a gap in a line of ``[L,P]``."""
    for line, places in groupby(np.argwhere(edges).tolist(), key=lambda place: place[0]):
        for _, run in groupby(enumerate(place for _, place in places), key=lambda pair: pair[1] - pair[0]):
            found = [place for _, place in run]
            yield float(line), float(found[0]), float(found[-1] + 1)


def svg_path(mask: NDArray[np.bool_]) -> str:
    """The `borders` as the ``d`` of an SVG path in units of the mask's pixels; empty for an empty mask."""
    return "".join(f"M{x0:g} {y0:g}L{x1:g} {y1:g}" for (x0, y0), (x1, y1) in borders(mask))
