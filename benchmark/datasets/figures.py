"""The ten outlines of the `shapes` data set, as signed distances: negative inside, zero on the edge.

Each figure is a union or intersection of half-planes and discs. Inside and on the edge the value is the distance to
the edge, or a lower bound of it near corners, which is all that anti-aliasing needs. Only ``+ - * / sqrt min max``
are used: IEEE 754 fixes these to the last bit, so the pictures are the same on every platform.

A square and a cross are missing on purpose: these are the marks of backdoor triggers, and a trigger that is itself an
object of some class would be evidence for that class on a clean model.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from peephole.datasets.draws import Floats

Figure = Callable[[Floats, Floats], Floats]

_HALF = 0.5
_COS30 = 0.8660254
_COS45 = 0.7071068
_COS36, _SIN36 = 0.8090170, 0.5877853


def _length(x: Floats, y: Floats) -> Floats:
    length: Floats = np.sqrt(x * x + y * y)
    return length


def _both(first: Floats, second: Floats) -> Floats:
    """What lies in both."""
    distance: Floats = np.maximum(first, second)
    return distance


def _either(first: Floats, second: Floats) -> Floats:
    """What lies in one or the other."""
    distance: Floats = np.minimum(first, second)
    return distance


def _mirror(x: Floats, y: Floats, nx: float, ny: float) -> tuple[Floats, Floats]:
    """Reflect the points on the positive side of the line through the origin with unit normal (nx, ny)."""
    over = 2 * np.maximum(nx * x + ny * y, 0)
    return x - nx * over, y - ny * over


def arrow(x: Floats, y: Floats) -> Floats:
    """A triangular head on a straight shaft."""
    side = np.abs(x)
    head = _both(0.7474 * side + 0.6644 * (y - 1), 0.1 - y)
    shaft = _both(side - 0.28, np.abs(y + 0.45) - 0.55)
    return _either(head, shaft)


def crescent(x: Floats, y: Floats) -> Floats:
    """A circle without another, shifted circle."""
    x = x - 0.337
    return _both(_length(x, y) - 1, 0.75 - _length(x - 0.55, y))


def disc(x: Floats, y: Floats) -> Floats:
    """A full circle."""
    return _length(x, y) - 1


def dumbbell(x: Floats, y: Floats) -> Floats:
    """Two circles joined by a bar."""
    side = np.abs(x)
    bar = _both(side - 0.8, np.abs(y) - 0.18)
    return _either(_length(side - 0.8, y) - _HALF, bar)


def heart(x: Floats, y: Floats) -> Floats:
    """A square on its tip with two half circles on the upper edges."""
    side, up = np.abs(x), y + 0.314
    square = (side + np.abs(up) - 1) * _COS45
    return _either(square, _length(side - _HALF, up - _HALF) - _COS45)


def hourglass(x: Floats, y: Floats) -> Floats:
    """Two triangles tip to tip."""
    up = np.abs(y)
    return _both(0.7809 * np.abs(x) - 0.6247 * up - 0.08, up - 1)


def propeller(x: Floats, y: Floats) -> Floats:
    """Three blades: fold the plane into one third, then a single blade is left."""
    x, y = _mirror(np.abs(x), y, _HALF, -_COS30)
    return _both(np.abs(x) - 0.27, y - 1)


def ring(x: Floats, y: Floats) -> Floats:
    """A circle with a round hole."""
    middle: Floats = np.abs(_length(x, y) - 0.8)
    return middle - 0.28


def star(x: Floats, y: Floats) -> Floats:
    """A five-pointed star: fold the plane into one tenth, then a single edge is left."""
    x, y = _mirror(np.abs(x), y, _COS36, -_SIN36)
    x, y = _mirror(x, y, -_COS36, -_SIN36)
    return 0.9233 * np.abs(x) + 0.3841 * (y - 1)


def triangle(x: Floats, y: Floats) -> Floats:
    """An equilateral triangle."""
    return _both(_COS30 * np.abs(x) + _HALF * y, -y) - 1


# Beside each outline the factor that gives it the area of the unit circle, so that size says nothing about the class.
FIGURES: dict[str, tuple[Figure, float]] = {
    "arrow": (arrow, 1.5335),
    "crescent": (crescent, 1.3439),
    "disc": (disc, 1.0),
    "dumbbell": (dumbbell, 1.3231),
    "heart": (heart, 0.9380),
    "hourglass": (hourglass, 1.2502),
    "propeller": (propeller, 1.4502),
    "ring": (ring, 1.0564),
    "star": (star, 1.5412),
    "triangle": (triangle, 0.7776),
}

# No figure reaches farther from its centre than this, in radii of the circle of the same area.
REACH = 1.73
