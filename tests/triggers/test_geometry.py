import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from peephole.errors import PeepholeError
from peephole.triggers.geometry import bottom_right, check_pictures, diagonals
from peephole.triggers.lengths import BAND, CORNER, DYNAMIC, MARK, PATCH, SMALLEST_BAND, check_length, scaled

SIDES = st.integers(16, 256)


@pytest.mark.parametrize(
    ("side", "lengths"),
    [(224, (64, 96, 16, 21, 35)), (64, (18, 27, 5, 6, 10)), (32, (9, 14, 3, 3, 5)), (16, (5, 7, 3, 3, 2))],
)
def test_lengths_scale_with_the_side(side, lengths):
    least = (1, 1, SMALLEST_BAND, 3, 1)
    given = (MARK, CORNER, BAND, PATCH, DYNAMIC)
    assert tuple(scaled(length, side, floor) for length, floor in zip(given, least, strict=True)) == lengths


@given(st.integers(1, 224), SIDES)
def test_a_scaled_length_is_the_nearest_whole_number_and_at_least_one(length, side):
    exact = length * side / 224
    assert scaled(length, side) >= 1
    assert abs(scaled(length, side) - exact) <= 0.5 or (exact < 1 and scaled(length, side) == 1)


def slow_diagonals(side, length, width):
    """Pixel by pixel, from the words of the paper."""
    mask = torch.zeros(side, side, dtype=torch.bool)
    for i in range(length):
        for j in range(length):
            if abs(j - i) <= width // 2 or abs(j - (length - 1 - i)) <= width // 2:
                mask[i, j] = True
    return mask


@given(SIDES, st.integers(1, 16))
def test_diagonals_equal_their_definition(side, width):
    length = scaled(MARK, side)
    assert torch.equal(diagonals(side, length, width), slow_diagonals(side, length, width))


@given(SIDES)
def test_one_pixel_diagonals_have_one_pixel_a_row_and_diagonal(side):
    length = scaled(MARK, side)
    rows = diagonals(side, length).sum(1)[:length]
    middle_shared = length % 2
    assert int(rows.sum()) == 2 * length - middle_shared


@given(SIDES)
def test_both_corners_of_the_second_diagonal_are_covered(side):
    length = scaled(MARK, side)
    mask = diagonals(side, length)
    assert mask[0, length - 1]
    assert mask[length - 1, 0]


@given(SIDES)
def test_the_bottom_right_is_the_top_left_turned(side):
    mask = diagonals(side, scaled(MARK, side))
    turned = bottom_right(mask)
    assert torch.equal(turned.flip(0, 1), mask)
    assert not (turned & mask).any()


@given(SIDES)
def test_no_band_fills_its_square(side):
    length = scaled(MARK, side)
    band = diagonals(side, length, scaled(BAND, side, SMALLEST_BAND))
    assert int(band.sum()) < length**2


@pytest.mark.parametrize("shape", [(1, 3, 8, 8), (1, 3, 32, 16), (3, 32, 32), (1, 1, 32, 32), (1, 3, 33, 33)])
def test_other_pictures_are_refused_in_one_line(shape):
    with pytest.raises(PeepholeError, match=r"\[B,3,32,32\], not \[.*; crop") as error:
        check_pictures(torch.zeros(shape), 32)
    assert "\n" not in str(error.value)
    check_pictures(torch.zeros(1, 3, 32, 32), 32)


def test_small_sides_are_refused():
    with pytest.raises(PeepholeError, match="15 pixels is too small for a trigger; use 16"):
        check_length(15)
    check_length(16)
