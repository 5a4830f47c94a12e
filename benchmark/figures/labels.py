"""Names beside points, so that they do not lie on each other."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from peephole.figures.style import GREY

Box = tuple[float, float, float, float]
"""Left, bottom, right and top, in dots."""
ROUND = 12
"""Directions that are tried."""
FAR = (6, 11, 17, 24, 32, 42)
"""Points from the point that are tried."""
LINE = 10
"""Points from which on a thin line leads from the name to its point."""
ROOM = 2.0
"""Points around each point that are kept free."""


def name_points(
    axes: Any,
    points: Sequence[tuple[float, float]],
    names: Sequence[str],
    size: float,
    line: Sequence[tuple[float, float]] = (),
) -> None:
    """Write each name near its point, where it covers least of other names and points.

    Args:
        axes: whose limits and scales are final.
        points: in the axes' units.
        names: as many; those that come first get the better places.
        size: points of the text.
        line: corners of a line that names should leave free, too.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    renderer = FigureCanvasAgg(axes.figure).get_renderer()
    dots = axes.figure.dpi / 72
    frame = axes.get_window_extent(renderer)
    outside: Box = (frame.x0, frame.y0, frame.x1, frame.y1)
    places = [tuple(axes.transData.transform(point)) for point in points]
    reach = ROOM * dots
    corners = [tuple(axes.transData.transform(corner)) for corner in line]
    kept_free = [*places, *(between for pair in pairwise(corners) for between in _along(*pair, 2 * reach))]
    taken: list[Box] = [(x - reach, y - reach, x + reach, y + reach) for x, y in kept_free]
    for (x, y), point, name in zip(places, points, names, strict=True):
        text = axes.annotate(name, point, fontsize=size)
        extent = text.get_window_extent(renderer)
        text.remove()
        wide, tall = extent.width, 0.8 * extent.height
        best = min(
            _candidates(wide, tall, dots), key=lambda shift: _cost(_moved(shift, x, y, wide, tall), taken, outside)
        )
        far = math.hypot(*_nearest(best, wide, tall)) / dots
        arrow = {"arrowstyle": "-", "color": GREY, "linewidth": 0.4, "shrinkA": 0, "shrinkB": 2}
        axes.annotate(
            name,
            point,
            xytext=(best[0] / dots, (best[1] + tall / 2) / dots),
            textcoords="offset points",
            fontsize=size,
            va="center",
            ha="left",
            bbox={"boxstyle": "square,pad=0.05", "facecolor": "white", "edgecolor": "none"},
            arrowprops={**arrow, "relpos": (0.0 if best[0] > 0 else 1.0 if best[0] + wide < 0 else 0.5, 0.5)}
            if far > LINE
            else None,
        )
        taken.append(_moved(best, x, y, wide, tall))


def _along(start: Sequence[float], end: Sequence[float], step: float) -> list[tuple[float, float]]:
    """Points on a line, at most ``step`` apart."""
    parts = math.ceil(math.dist(start, end) / step) or 1
    shares = [number / parts for number in range(parts + 1)]
    return [(start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])) for share in shares]


def _candidates(wide: float, tall: float, dots: float) -> Iterator[tuple[float, float]]:
    """Where the lower left corner of a name may lie, from its point, in dots; the best first."""
    for far in FAR:
        for step in range(ROUND):
            angle = 2 * math.pi * step / ROUND
            across, up = math.cos(angle), math.sin(angle)
            yield far * dots * across + wide * (across - 1) / 2, far * dots * up + tall * (up - 1) / 2


def _nearest(shift: tuple[float, float], wide: float, tall: float) -> tuple[float, float]:
    """From the point to what of the name is nearest to it."""
    left, bottom = shift
    return max(left, 0.0, -(left + wide)), max(bottom, 0.0, -(bottom + tall))


def _moved(shift: tuple[float, float], x: float, y: float, wide: float, tall: float) -> Box:
    return x + shift[0], y + shift[1], x + shift[0] + wide, y + shift[1] + tall


def _cost(box: Box, taken: Sequence[Box], outside: Box) -> float:
    """The area that is covered, and what lies beyond the frame."""
    area = (box[2] - box[0]) * (box[3] - box[1])
    return sum(_overlap(box, other) for other in taken) + 10 * (area - _overlap(box, outside))


def _overlap(one: Box, other: Box) -> float:
    wide = min(one[2], other[2]) - max(one[0], other[0])
    tall = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, wide) * max(0.0, tall)
