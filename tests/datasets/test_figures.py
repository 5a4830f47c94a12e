import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peephole.datasets import figures
from peephole.datasets.figures import FIGURES, REACH

NAMES = list(FIGURES)
LINE = ((np.arange(900) + 0.5) / 900 * 4 - 2).astype(np.float32)
X, Y = np.meshgrid(LINE, LINE)
PIXEL = (4 / 900) ** 2


def inside(name):
    figure, size = FIGURES[name]
    return figure(X / np.float32(size), Y / np.float32(size)) < 0


@pytest.mark.parametrize("name", NAMES)
def test_all_figures_have_the_area_of_the_unit_circle(name):
    assert inside(name).sum() * PIXEL == pytest.approx(math.pi, rel=0.01)


@pytest.mark.parametrize("name", NAMES)
def test_figures_stand_on_their_centre_of_mass_and_within_reach(name):
    mask = inside(name)
    assert abs(X[mask].mean()) < 0.02
    assert abs(Y[mask].mean()) < 0.02
    assert np.sqrt(X[mask] ** 2 + Y[mask] ** 2).max() < REACH


@pytest.mark.parametrize("name", NAMES)
def test_figures_look_the_same_in_a_mirror_or_upside_down(name):
    mask = inside(name)
    assert (mask == mask[:, ::-1]).all() or (mask == mask[::-1]).all()


coordinate = st.floats(-2, 2, width=32)


@pytest.mark.parametrize("name", NAMES)
@given(points=st.lists(st.tuples(coordinate, coordinate), min_size=2, max_size=2))
def test_values_change_no_faster_than_distances(name, points):
    x, y = np.array(points, np.float32).T
    value = FIGURES[name][0](x, y)
    assert value.dtype == np.float32
    assert abs(float(value[0] - value[1])) <= math.dist(*points) * 1.001 + 1e-5


def polygon(*corners):
    """Even-odd rule, one point and one edge at a time."""

    def contains(x, y):
        crossings = 0
        for (x0, y0), (x1, y1) in zip(corners, (*corners[1:], corners[0]), strict=True):
            crossings += (y0 > y) != (y1 > y) and x < x0 + (y - y0) / (y1 - y0) * (x1 - x0)
        return crossings % 2 == 1

    return contains


def polar(radius, degrees):
    return radius * math.sin(math.radians(degrees)), radius * math.cos(math.radians(degrees))


def blade(degrees):
    """A bar of width 0.54 from the middle to distance 1."""
    (ux, uy), (vx, vy) = polar(1, degrees), polar(1, degrees + 90)
    ends = ((0, -0.27), (1, -0.27), (1, 0.27), (0, 0.27))
    return polygon(*((along * ux + aside * vx, along * uy + aside * vy) for along, aside in ends))


def any_of(*shapes):
    return lambda x, y: any(shape(x, y) for shape in shapes)


def round_at(cx, cy, radius):
    return lambda x, y: math.hypot(x - cx, y - cy) < radius


# The mouth of the star is where tips of radius 1 and valleys of radius 0.45 alternate.
STAR = polygon(*(polar(0.45 if corner % 2 else 1, 36 * corner) for corner in range(10)))
NECK = 0.08 / 0.7809
WAIST = NECK + 0.6247 / 0.7809
HEART_TIP, HEART_SIDE = (0, -1.314), (1, -0.314)
SLOW = {
    "arrow": any_of(
        polygon((0, 1), (0.8, 0.1), (-0.8, 0.1)), polygon((0.28, 0.1), (0.28, -1), (-0.28, -1), (-0.28, 0.1))
    ),
    "crescent": lambda x, y: math.hypot(x - 0.337, y) < 1 and math.hypot(x - 0.887, y) > 0.75,
    "disc": round_at(0, 0, 1),
    "dumbbell": any_of(
        round_at(0.8, 0, 0.5),
        round_at(-0.8, 0, 0.5),
        polygon((-0.8, -0.18), (0.8, -0.18), (0.8, 0.18), (-0.8, 0.18)),
    ),
    "heart": any_of(
        polygon(HEART_TIP, HEART_SIDE, (0, 0.686), (-1, -0.314)),
        round_at(0.5, 0.186, math.sqrt(0.5)),
        round_at(-0.5, 0.186, math.sqrt(0.5)),
    ),
    "hourglass": polygon((-WAIST, 1), (WAIST, 1), (NECK, 0), (WAIST, -1), (-WAIST, -1), (-NECK, 0)),
    "propeller": any_of(blade(0), blade(120), blade(240)),
    "ring": lambda x, y: 0.52 < math.hypot(x, y) < 1.08,
    "star": STAR,
    "triangle": polygon((0, 2), (math.sqrt(3), -1), (-math.sqrt(3), -1)),
}


@pytest.mark.parametrize("name", NAMES)
def test_the_inside_is_what_plain_geometry_says(name):
    points = np.random.default_rng(0).uniform(-2, 2, (2000, 2)).astype(np.float32)
    value = getattr(figures, name)(points[:, 0], points[:, 1])
    clear = abs(value) > 1e-3  # constants have four digits
    assert clear.sum() > 1900
    expected = [SLOW[name](float(x), float(y)) for x, y in points[clear]]
    np.testing.assert_array_equal(value[clear] < 0, expected)
