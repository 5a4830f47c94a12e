import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peephole.datasets.draws import Draws
from peephole.datasets.textures import beside, clouds, pattern, pixel_centres, rotation, tint, wave


@given(st.floats(-50, 50, width=32))
def test_a_wave_is_nearly_a_sine(turns):
    value = float(wave(np.array([turns], np.float32))[0])
    assert value == pytest.approx(np.sin(2 * np.pi * turns), abs=0.06)


def test_clouds_pass_through_their_knots_and_stay_between_them():
    drawn = clouds(Draws((1,), 30), 9)
    knots = Draws((1,), 30).between(-1.0, 1.0, 5, 5)
    assert drawn.shape == (30, 9, 9)
    assert (abs(drawn).max(axis=(1, 2)) <= abs(knots).max(axis=(1, 2))).all()


def test_clouds_are_the_interpolation_of_their_knots():
    side = 7
    knots = Draws((2,), 1).between(-1.0, 1.0, 5, 5)[0].astype(np.float64)
    smooth = lambda t: t * t * (3 - 2 * t)  # noqa: E731
    slow = np.empty((side, side))
    for row in range(side):
        for column in range(side):
            y, x = (row + 0.5) / side * 4, (column + 0.5) / side * 4
            i, j = int(y), int(x)
            v, u = smooth(y - i), smooth(x - j)
            slow[row, column] = (1 - v) * ((1 - u) * knots[i, j] + u * knots[i, j + 1]) + v * (
                (1 - u) * knots[i + 1, j] + u * knots[i + 1, j + 1]
            )
    np.testing.assert_allclose(clouds(Draws((2,), 1), side)[0], slow, atol=1e-6)


def test_patterns_are_bounded_and_differ():
    drawn = pattern(Draws((3,), 50), 16, 0.25)
    assert abs(drawn).max() <= 0.25
    assert len(np.unique(drawn.reshape(50, -1), axis=0)) == 50


def test_rotations_go_all_the_way_round():
    cosine, sine = rotation(Draws((4,), 800))
    np.testing.assert_allclose(cosine**2 + sine**2, 1, atol=1e-5)
    counts, _ = np.histogram(np.arctan2(sine, cosine), bins=8, range=(-np.pi, np.pi))
    assert abs(counts - 100).max() < 5 * np.sqrt(800 * 7 / 64)


def test_the_largest_channel_of_a_tint_is_one():
    colours = tint(Draws((5,), 200))
    assert colours.shape == (200, 3, 1, 1)
    np.testing.assert_allclose(abs(colours).max(axis=1), 1)


@given(st.floats(0.25, 0.75, width=32), st.floats(-0.75, 0.75, width=32))
def test_the_other_side_is_taken_where_a_colour_would_leave_its_range(base, offset):
    made = float(beside(np.array([base], np.float32), np.array([offset], np.float32), 0.125, 0.875)[0])
    fits = 0.125 <= base + offset <= 0.875
    assert made == pytest.approx(min(max(base + offset if fits else base - offset, 0.125), 0.875), abs=1e-6)


def test_pixel_centres():
    np.testing.assert_array_equal(pixel_centres(4), [0.125, 0.375, 0.625, 0.875])
