"""The order of pixels and their ranks, against SciPy and loops."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from peephole.errors import PeepholeError
from peephole.leaderboard.ranks import EXPONENTS, ascending, average_ranks, on_grid


def levels(seed: int, count: int, shape: tuple[int, ...] = (3, 2, 5, 7)) -> torch.Tensor:
    """Maps of at most ``count`` distinct values, most of them far apart."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(count, shape, generator=generator).double() ** 3


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 40))
def test_ranks_are_those_of_scipy(seed: int, count: int) -> None:
    energy = levels(seed, count)
    expected = rankdata(energy.flatten(2).numpy(), axis=2).reshape(energy.shape)
    np.testing.assert_array_equal(average_ranks(energy).numpy(), expected)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 40))
def test_order_is_a_stable_sort_and_groups_begin_at_their_first(seed: int, count: int) -> None:
    energy = levels(seed, count)
    order, first = ascending(energy)
    assert order.dtype == first.dtype == torch.int64
    for n in range(3):
        for t in range(2):
            pixels = energy[n, t].flatten().tolist()
            expected = sorted(range(35), key=lambda pixel, pixels=pixels: pixels[pixel])
            assert order[n, t].tolist() == expected
            values = [pixels[pixel] for pixel in expected]
            assert first[n, t].tolist() == [values.index(value) for value in values]


def test_single_precision_is_told_apart_to_its_last_bit() -> None:
    for one in (1.0, 1.9999998, 3e-38, 1e38):
        low = np.float32(one)
        energy = torch.tensor([[[[np.nextafter(low, np.float32(0)), low, np.nextafter(low, np.float32(2e38))]]]])
        assert average_ranks(energy.double()).flatten().tolist() == [1, 2, 3]


@pytest.mark.parametrize("peak", [1 - 2**-53, 2 - 2**-52, 4 * (1 - 2**-40)])
def test_a_peak_just_below_a_power_of_two_is_still_the_highest(peak: float) -> None:
    energy = torch.tensor([[[[peak, 0.1, 0.0, 0.5]]]], dtype=torch.float64)
    assert average_ranks(energy).flatten().tolist() == [4, 2, 1, 3]
    assert average_ranks(-energy).flatten().tolist() == [1, 3, 4, 2]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 40))
def test_signed_values_rank_as_in_scipy_and_in_reverse_the_other_way_round(seed: int, count: int) -> None:
    values = levels(seed, count) - levels(seed + 1, count)
    ranks = average_ranks(values)
    np.testing.assert_array_equal(ranks.numpy(), rankdata(values.flatten(2).numpy(), axis=2).reshape(values.shape))
    assert average_ranks(-values).equal(36 - ranks)


def test_a_sign_parts_what_is_as_large() -> None:
    values = torch.tensor([[[[2.0, -2.0, 0.0, -0.0, 2.0, -(2.0 ** -(EXPONENTS + 1))]]]], dtype=torch.float64)
    assert average_ranks(values).flatten().tolist() == [5.5, 1, 3, 3, 5.5, 3]


def test_rounding_errors_of_double_precision_tie() -> None:
    energy = torch.full((1, 1, 4, 4), 0.3, dtype=torch.float64)
    energy[..., ::2] *= 1 + 3e-16
    assert average_ranks(energy).unique().tolist() == [8.5]


def test_zeros_of_either_sign_tie_and_so_does_what_is_far_below_the_peak() -> None:
    energy = torch.tensor([[[[0.0, -0.0, 2.0 ** -(EXPONENTS + 1), 1.0]]]], dtype=torch.float64)
    assert average_ranks(energy).flatten().tolist() == [2, 2, 2, 4]
    assert average_ranks(torch.tensor([[[[0.0, -0.0]]]], dtype=torch.float64)).flatten().tolist() == [1.5, 1.5]


@pytest.mark.parametrize("magnitude", [1e-310, 1e-300, 1e300, 4e307])
def test_the_smallest_and_largest_doubles_are_ordered(magnitude: float) -> None:
    energy = torch.tensor([[[[0.0, magnitude, 4 * magnitude, 2 * magnitude]]]], dtype=torch.float64)
    assert average_ranks(energy).flatten().tolist() == [1, 2, 4, 3]


def test_a_picture_too_large_to_number_is_refused_in_one_line() -> None:
    with pytest.raises(PeepholeError, match="at most 1048576; make the pictures smaller") as caught:
        ascending(torch.zeros((1, 1, 1024, 1025), dtype=torch.float64))
    assert "\n" not in str(caught.value)


def test_sorting_on_a_device_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    from peephole.leaderboard import ranks

    energy = levels(3, 9)
    here = ascending(energy)
    monkeypatch.setattr(ranks, "_sort", lambda keys: keys.sort(dim=-1).values)
    there = ascending(energy)
    assert here[0].equal(there[0])
    assert here[1].equal(there[1])
    if torch.cuda.is_available():
        monkeypatch.undo()
        assert all(a.equal(b.cpu()) for a, b in zip(here, ascending(energy.cuda()), strict=True))


def test_the_map_is_left_alone_in_any_layout() -> None:
    energy = levels(1, 30).transpose(2, 3)
    before = energy.clone()
    expected = average_ranks(energy.contiguous())
    assert average_ranks(energy).equal(expected)
    assert energy.equal(before)


@pytest.mark.parametrize("magnitude", [5e-324, 1e-310, 1.0, 1.7e308])
def test_a_grid_of_signed_values_is_a_share_of_the_peak(magnitude: float) -> None:
    values = torch.tensor([[[[1.0, -1.0, 0.0, 0.5]]], [[[0.0, 0.0, -0.0, 0.0]]]], dtype=torch.float64)
    values *= magnitude
    assert on_grid(values)[0].flatten().tolist()[:3] == [2.0**36, -(2.0**36), 0]
    assert on_grid(values)[1].flatten().tolist() == [0] * 4


def test_the_grid_keeps_what_single_precision_tells_apart_near_the_peak_and_drops_rounding_errors() -> None:
    values = torch.tensor([[[[1.0, 1 - 2.0**-24, 1e-17, -1e-17, -(2.0**-36)]]]], dtype=torch.float64)
    assert average_ranks(on_grid(values)).flatten().tolist() == [5, 4, 2.5, 2.5, 1]
