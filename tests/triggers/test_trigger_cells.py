"""How marks are cut into cells, and which quarters of a mark are left away."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from peephole.triggers.base import Stamped
from peephole.triggers.cells import OUTSIDE, cells
from peephole.triggers.partial import partly


@st.composite
def supports(draw):
    """Batches of pictures, some of them without any pixel."""
    count, height, width = draw(st.tuples(st.integers(1, 3), st.integers(1, 12), st.integers(1, 12)))
    bits = draw(st.lists(st.booleans(), min_size=count * height * width, max_size=count * height * width))
    return torch.tensor(bits).view(count, height, width)


def slow_cells(support, grid):
    """One pixel after the other: which of grid equal parts of the box a pixel's top left corner lies in."""
    out = torch.full(support.shape, OUTSIDE)
    for number, picture in enumerate(support):
        places = torch.nonzero(picture)
        if len(places):
            (top, left), (bottom, right) = places.min(0).values.tolist(), places.max(0).values.tolist()
            for i, j in places.tolist():
                row = (i - top) * grid // (bottom - top + 1)
                column = (j - left) * grid // (right - left + 1)
                out[number, i, j] = row * grid + column
    return out


@given(supports(), st.integers(1, 5))
def test_cells_equal_their_definition(support, grid):
    found = cells(support, grid)
    assert found.dtype == torch.int64
    assert torch.equal(found, slow_cells(support, grid))


@given(supports(), st.integers(1, 5))
def test_every_pixel_of_the_support_is_in_one_cell_and_no_other(support, grid):
    found = cells(support, grid)
    assert torch.equal(found >= 0, support)
    assert int(found.max()) < grid**2
    in_each = sum((found == cell).int() for cell in range(grid**2))
    assert torch.equal(in_each, support.int())


@given(supports(), st.integers(1, 5), st.data())
def test_moving_a_mark_moves_its_cells(support, grid, data):
    down, along = data.draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    small = torch.nn.functional.pad(support, (3, 3, 3, 3))
    shifted = small.roll((down, -along), (1, 2))
    assert torch.equal(cells(shifted, grid), cells(small, grid).roll((down, -along), (1, 2)))


@pytest.mark.parametrize(("side", "grid"), [(9, 3), (6, 2), (20, 4), (5, 5)])
def test_a_full_square_has_equal_cells_row_by_row(side, grid):
    found = cells(torch.ones(1, side, side, dtype=torch.bool), grid)[0]
    step = side // grid
    for cell in range(grid**2):
        i, j = divmod(cell, grid)
        assert (found[i * step : (i + 1) * step, j * step : (j + 1) * step] == cell).all()


def test_a_small_mark_has_empty_cells():
    assert cells(torch.ones(1, 2, 2, dtype=torch.bool), 3)[0].tolist() == [[0, 1], [3, 4]]
    assert cells(torch.ones(1, 1, 1, dtype=torch.bool), 3)[0].tolist() == [[0]]


def marked(count, top, left, length, side=16, value=1.0):
    """Grey pictures with a square of ``value``, and the pictures without."""
    x = torch.full((count, 3, side, side), 0.5)
    exact = torch.zeros(count, 1, side, side, dtype=torch.bool)
    exact[:, :, top : top + length, left : left + length] = True
    return x, Stamped(torch.where(exact, value, x), torch.zeros(count, 1, dtype=torch.int64), exact, exact)


@given(st.integers(0, 2**32), st.integers(2, 8), st.integers(0, 8), st.integers(0, 8))
def test_at_least_one_quarter_goes_and_one_stays_and_quarters_are_whole(seed, length, top, left):
    x, stamped = marked(5, top, left, length)
    before = x.clone(), stamped.image.clone()
    image = partly(x, stamped, torch.Generator().manual_seed(seed))
    assert torch.equal(x, before[0])
    assert torch.equal(stamped.image, before[1])
    quarter = slow_cells(stamped.exact[:, 0], 2)
    for number in range(5):
        stays = (image[number] == stamped.image[number]).all(0)
        goes = (image[number] == x[number]).all(0)
        assert (stays | goes).all()
        whole = [bool(stays[quarter[number] == q].all()) for q in range(4)]
        none = [bool(goes[quarter[number] == q].all()) for q in range(4)]
        assert all(a != b for a, b in zip(whole, none, strict=True))
        assert any(whole)
        assert any(none)
        assert goes[~stamped.exact[number, 0]].all()


def test_all_choices_of_quarters_are_equally_likely():
    x, stamped = marked(2800, 4, 6, 2)
    image = partly(x, stamped, torch.Generator().manual_seed(0))
    stays = (image[:, 0, 4:6, 6:8] == 1).flatten(1).int()
    choice = (stays * torch.tensor([8, 4, 2, 1])).sum(1)
    counts = np.bincount(choice.numpy(), minlength=16)
    assert counts[0] == counts[15] == 0
    assert stats.chisquare(counts[1:15]).pvalue > 0.001


def test_the_generator_decides_which_quarters():
    x, stamped = marked(64, 0, 0, 4)
    first, again, other = (partly(x, stamped, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_gradients_pass_through_what_stays_only():
    x, stamped = marked(1, 0, 0, 4)
    image = stamped.image.requires_grad_()
    partial = partly(x, Stamped(image, stamped.target, stamped.mask, stamped.exact), torch.Generator().manual_seed(0))
    partial.sum().backward()
    assert torch.equal(image.grad[0, 0] == 1, (partial[0, 0] == 1))
    assert int(image.grad[0, 0].sum()) in (4, 8, 12)
