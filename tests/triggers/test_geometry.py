import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from peephole.errors import PeepholeError
from peephole.triggers.geometry import bottom_right, check_side, diagonals
from peephole.triggers.lengths import BAND, CORNER, MARK, SMALLEST_BAND, scaled

SIDES = st.integers(16, 256)


@pytest.mark.parametrize(("side", "lengths"), [(224, (64, 96, 16)), (32, (9, 14, 3)), (16, (5, 7, 3))])
def test_lengths_scale_with_the_side(side, lengths):
    assert (scaled(MARK, side), scaled(CORNER, side), scaled(BAND, side, SMALLEST_BAND)) == lengths


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


@pytest.mark.parametrize(
    ("shape", "words"), [((1, 3, 8, 8), "too small"), ((1, 3, 32, 16), "square"), ((3, 32, 32), "square")]
)
def test_unfit_pictures_are_refused_in_one_line(shape, words):
    with pytest.raises(PeepholeError, match=words) as error:
        check_side(torch.zeros(shape))
    assert "\n" not in str(error.value)
