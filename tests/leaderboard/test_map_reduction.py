"""Channel sum, up-sampling, positive part."""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from peephole.errors import PeepholeError
from peephole.leaderboard.base import Probes
from peephole.leaderboard.relevance import positive, to_picture, truth_mask, unit_peak


def slow_bilinear(image: list[list[float]], height: int, width: int) -> list[list[float]]:
    """Bilinear up-sampling with pixel centres at (i + 1/2), edges held."""
    h, w = len(image), len(image[0])

    def source(index: int, size: int, out: int) -> tuple[int, int, float]:
        place = max((index + 0.5) * size / out - 0.5, 0.0)
        low = min(math.floor(place), size - 1)
        return low, min(low + 1, size - 1), place - low

    result = []
    for i in range(height):
        top, bottom, v = source(i, h, height)
        row = []
        for j in range(width):
            left, right, u = source(j, w, width)
            upper = image[top][left] * (1 - u) + image[top][right] * u
            lower = image[bottom][left] * (1 - u) + image[bottom][right] * u
            row.append(upper * (1 - v) + lower * v)
        result.append(row)
    return result


@settings(max_examples=20, deadline=None)
@given(
    h=st.integers(1, 5), w=st.integers(1, 5), more=st.integers(0, 6), channels=st.integers(1, 3), seed=st.integers(0, 9)
)
def test_sums_channels_and_upsamples_as_the_slow_form(h: int, w: int, more: int, channels: int, seed: int) -> None:
    maps = torch.randn((2, 2, channels, h, w), generator=torch.Generator().manual_seed(seed))
    picture = to_picture(maps, (h + more, w + more))
    assert picture.dtype == torch.float64
    assert picture.shape == (2, 2, h + more, w + more)
    for n in range(2):
        for t in range(2):
            summed = [[sum(maps[n, t, c, i, j].item() for c in range(channels)) for j in range(w)] for i in range(h)]
            expected = torch.tensor(slow_bilinear(summed, h + more, w + more), dtype=torch.float64)
            torch.testing.assert_close(picture[n, t], expected, rtol=1e-12, atol=1e-12)


def test_signs_are_kept_and_the_picture_resolution_is_left_alone() -> None:
    maps = torch.tensor([[[[[1.0, -2.0], [0.0, 3.0]], [[1.0, 0.5], [-1.0, 0.0]]]]])
    assert to_picture(maps, (2, 2)).tolist() == [[[[2.0, -1.5], [-1.0, 3.0]]]]
    assert to_picture(-maps, (5, 7)).equal(-to_picture(maps, (5, 7)))


def test_a_map_finer_than_the_picture_is_read_whole() -> None:
    for row in range(6):
        maps = torch.zeros((1, 1, 1, 6, 6))
        maps[..., row, :] = 1.0
        # The kernel, a triangle three map rows wide to each side, weighs every row of the map.
        assert to_picture(maps, (2, 2)).amax() > 0.05
    assert to_picture(torch.full((1, 1, 1, 6, 6), 4.0), (2, 2)).allclose(torch.tensor(4.0, dtype=torch.float64))


def test_float32_sums_do_not_overflow_and_history_is_dropped() -> None:
    maps = torch.full((1, 1, 4, 2, 2), 3e38, requires_grad=True)
    picture = to_picture(maps, (4, 4))
    assert picture.amax().item() == pytest.approx(1.2e39, rel=1e-6)
    assert not picture.requires_grad


@pytest.mark.parametrize("channels", [1, 3])
def test_the_picture_is_no_view_of_the_map(channels: int) -> None:
    maps = torch.ones((2, 1, channels, 4, 4), dtype=torch.float64)
    to_picture(maps, (4, 4)).zero_()
    assert maps.min() == 1


def test_maps_of_several_targets_stay_apart() -> None:
    maps = torch.randn((3, 2, 1, 4, 5), generator=torch.Generator().manual_seed(0))
    picture = to_picture(maps, (9, 7))
    assert picture.is_contiguous()
    for n in range(3):
        for t in range(2):
            alone = to_picture(maps[n : n + 1, t : t + 1], (9, 7))[0, 0]
            torch.testing.assert_close(picture[n, t], alone, rtol=1e-14, atol=1e-14)


def test_no_pictures_give_no_maps() -> None:
    assert to_picture(torch.zeros((0, 1, 3, 4, 4)), (8, 8)).shape == (0, 1, 8, 8)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_maps_that_are_not_finite_are_refused(bad: float) -> None:
    maps = torch.zeros((3, 1, 2, 4, 4))
    maps[1, 0, 1, 2, 2] = bad
    with pytest.raises(PeepholeError, match=r"^1 of 3 maps hold NaN or infinity"):
        to_picture(maps, (8, 8))
    with pytest.raises(PeepholeError, match="NaN or infinity"):
        positive(maps[:, :, 1])


def test_infinities_that_cancel_in_the_sum_are_refused() -> None:
    maps = torch.zeros((1, 1, 2, 2, 2))
    maps[0, 0, :, 0, 0] = torch.tensor([math.inf, -math.inf])
    with pytest.raises(PeepholeError, match="NaN or infinity"):
        to_picture(maps, (2, 2))


@pytest.mark.parametrize(
    "maps", [torch.zeros((2, 3, 4, 4)), torch.zeros((2, 1, 0, 4, 4)), torch.zeros((2, 1, 3, 4, 4), dtype=torch.int64)]
)
def test_other_shapes_and_dtypes_are_refused(maps: torch.Tensor) -> None:
    with pytest.raises(PeepholeError, match=r"expected floating point \[N,T,c,h,w\]"):
        to_picture(maps, (8, 8))


def test_positive_and_unit_peak() -> None:
    signed = torch.tensor([[[[-1.0, 2.0], [0.0, 8.0]]], [[[-1.0, -2.0], [0.0, -8.0]]]])
    before = signed.clone()
    energy = positive(signed)
    assert energy.dtype == torch.float64
    assert energy.tolist() == [[[[0.0, 2.0], [0.0, 8.0]]], [[[0.0, 0.0], [0.0, 0.0]]]]
    assert unit_peak(energy).tolist() == [[[[0.0, 0.25], [0.0, 1.0]]], [[[0.0, 0.0], [0.0, 0.0]]]]
    assert signed.equal(before)


def test_truth_must_fit_and_not_be_empty(probes_of: Callable[..., Probes]) -> None:
    mask = torch.ones((2, 1, 4, 4), dtype=torch.bool)
    mask[0, 0, 0, 0] = False
    inside, pixels = truth_mask(torch.zeros((2, 1, 4, 4)), probes_of(mask))
    assert inside.equal(mask.double())
    assert pixels.tolist() == [[15.0], [16.0]]
    with pytest.raises(PeepholeError, match="covers the whole picture"):
        truth_mask(torch.zeros((2, 1, 4, 4)), probes_of(mask), outside=True)
    with pytest.raises(PeepholeError, match="bring maps to the picture's resolution"):
        truth_mask(torch.zeros((2, 1, 2, 2)), probes_of(mask))
    mask[1] = False
    with pytest.raises(PeepholeError, match="1 of 2 truth masks are empty"):
        truth_mask(torch.zeros((2, 1, 4, 4)), probes_of(mask))
