"""The share of positive relevance in the mask, against loops in float64."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from peephole.errors import PeepholeError
from peephole.leaderboard.base import Probes
from peephole.leaderboard.mass_share import mass_share


def slow_share(relevance: torch.Tensor, mask: torch.Tensor) -> tuple[float, float, bool]:
    inside = total = area = 0.0
    height, width = relevance.shape
    for i in range(height):
        for j in range(width):
            energy = max(relevance[i, j].item(), 0.0)
            total += energy
            inside += energy if mask[i, j] else 0.0
            area += 1.0 if mask[i, j] else 0.0
    return (inside / total if total else 0.0), area / (height * width), total > 0


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), shift=st.floats(-2, 2))
def test_equals_the_slow_form(probes_of: Callable[..., Probes], seed: int, shift: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    relevance = torch.randn((3, 2, 4, 5), generator=generator) + shift
    mask = torch.rand((3, 2, 4, 5), generator=generator) < 0.4
    mask[..., 0, 0], mask[..., 3, 4] = True, False
    share, chance, valid = mass_share(relevance, probes_of(mask))
    for n in range(3):
        for t in range(2):
            expected = slow_share(relevance[n, t], mask[n, t])
            found = (share[n, t].item(), chance[n, t].item(), bool(valid[n, t]))
            assert found == pytest.approx(expected, abs=1e-12)


def test_the_largest_and_smallest_doubles_neither_overflow_nor_vanish(probes_of: Callable[..., Probes]) -> None:
    mask = torch.tensor([[[[True, False], [False, False]]]])
    for magnitude in (5e-324, 1e-300, 1e300, 1.7e308):
        share, _, valid = mass_share(torch.full((1, 1, 2, 2), magnitude, dtype=torch.float64), probes_of(mask))
        assert share.item() == 0.25
        assert valid.item()


def test_a_mask_over_the_whole_picture_is_refused(probes_of: Callable[..., Probes]) -> None:
    with pytest.raises(PeepholeError, match="covers the whole picture"):
        mass_share(torch.ones((1, 1, 2, 2)), probes_of(torch.ones((1, 1, 2, 2), dtype=torch.bool)))
