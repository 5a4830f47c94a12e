"""The order in which a map's pixels are exchanged, against a plain sort."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from peephole.errors import PeepholeError
from peephole.leaderboard.base import Probes
from peephole.leaderboard.counters import uniform
from peephole.leaderboard.orders import STREAM, most_relevant_first, places

HEIGHT, WIDTH = 4, 5
PIXELS = HEIGHT * WIDTH


def probes(number: torch.Tensor, targets: int = 1) -> Probes:
    count = len(number)
    mask = torch.zeros((count, targets, HEIGHT, WIDTH), dtype=torch.bool)
    mask[..., 0, 0] = True
    image = torch.zeros((count, 3, HEIGHT, WIDTH))
    return Probes(image, image, mask, mask, torch.zeros((count, targets), dtype=torch.int64), number=number)


def tied_maps(seed: int, count: int, values: int) -> torch.Tensor:
    """Signed maps of at most so many different values."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-1, values, (count, 1, HEIGHT, WIDTH), generator=generator).double()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), values=st.integers(1, 50), first=st.integers(0, 10_000))
def test_is_a_sort_by_relevance_and_then_by_each_pictures_random_numbers(seed: int, values: int, first: int) -> None:
    number = torch.tensor([first, first + 1, first + 7])
    maps = tied_maps(seed, 3, values)
    order, valid = most_relevant_first(maps, probes(number))
    random = uniform(number, PIXELS, STREAM).tolist()
    for n in range(3):
        energy = [max(value, 0.0) for value in maps[n].flatten().tolist()]
        keys = list(zip(energy, random[n], strict=True))
        assert order[n].tolist() == sorted(range(PIXELS), key=keys.__getitem__, reverse=True)
        assert valid[n].item() == (sum(energy) > 0)


def test_equal_pixels_come_in_every_order_alike() -> None:
    count = 4000
    order, _ = most_relevant_first(torch.ones((count, 1, HEIGHT, WIDTH)), probes(torch.arange(count)))
    begins = torch.bincount(order[:, 0], minlength=PIXELS).double()
    expected = count / PIXELS
    # Chi-squared with 19 degrees of freedom exceeds 43.8 once in a thousand times.
    assert ((begins - expected).square() / expected).sum() < 43.8
    assert len({tuple(row) for row in order.tolist()}) == count


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), power=st.floats(0.5, 3), scale=st.floats(1e-6, 1e6))
def test_only_the_order_of_the_values_counts(seed: int, power: float, scale: float) -> None:
    number, maps = torch.arange(3), tied_maps(seed, 3, 6)
    order, _ = most_relevant_first(maps, probes(number))
    other, _ = most_relevant_first(torch.where(maps > 0, scale * maps.clamp(min=0) ** power, maps), probes(number))
    assert order.equal(other)


def test_a_picture_is_ordered_by_itself() -> None:
    number, maps = torch.tensor([5, 3, 9]), tied_maps(2, 3, 3)
    together, _ = most_relevant_first(maps, probes(number))
    for n in range(3):
        alone, _ = most_relevant_first(maps[n : n + 1], probes(number[n : n + 1]))
        assert alone[0].equal(together[n])


@pytest.mark.parametrize("fill", [0.0, -0.0, -3.0])
def test_a_map_without_positive_relevance_is_invalid_and_still_ordered(fill: float) -> None:
    maps = tied_maps(0, 2, 5)
    maps[1] = fill
    order, valid = most_relevant_first(maps, probes(torch.arange(2)))
    assert valid.tolist() == [True, False]
    assert order[1].sort().values.tolist() == list(range(PIXELS))


def test_places_turn_an_order_around() -> None:
    assert places(torch.tensor([[2, 0, 1], [0, 2, 1]])).tolist() == [[1, 2, 0], [0, 2, 1]]


def test_two_targets_other_shapes_and_nan_are_refused_in_one_line() -> None:
    maps = tied_maps(0, 2, 5)
    with pytest.raises(PeepholeError, match=r"2 targets, expected 1.*use a trigger with one label"):
        most_relevant_first(maps.expand(-1, 2, -1, -1), probes(torch.arange(2), targets=2))
    with pytest.raises(PeepholeError, match=r"expected the truth's \[2, 1, 4, 5\]"):
        most_relevant_first(maps[:, :, 1:], probes(torch.arange(2)))
    maps[0, 0, 1, 1] = torch.nan
    with pytest.raises(PeepholeError, match="NaN or infinity"):
        most_relevant_first(maps, probes(torch.arange(2)))
