"""Completeness in closed form."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from peephole.errors import PeepholeError
from peephole.leaderboard.base import Probes
from peephole.leaderboard.metrics.completeness import Completeness


def slow_completeness(relevance: torch.Tensor, mask: torch.Tensor) -> float:
    inside = [max(float(r), 0.0) for r, m in zip(relevance.flatten(), mask.flatten(), strict=True) if m]
    return sum(inside) / (len(inside) * max(inside)) if max(inside) > 0 else 0.0


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_equals_the_slow_form(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    relevance = torch.randn((3, 1, 4, 5), generator=generator)
    mask = torch.rand((3, 1, 4, 5), generator=generator) < 0.4
    mask[..., 0, :2] = True
    image = torch.rand((3, 3, 4, 5), generator=generator)
    scored = Completeness().score(relevance, Probes(image, image, mask, mask, torch.zeros((3, 1), dtype=torch.int64)))
    for n in range(3):
        size = int(mask[n].sum())
        assert scored.value[n].item() == pytest.approx(slow_completeness(relevance[n, 0], mask[n, 0]), abs=1e-12)
        assert scored.chance[n].item() == pytest.approx((size + 1) / (2 * size), abs=1e-15)


def test_edges_of_a_square_score_their_share(
    probes_of: Callable[..., Probes], corner_mask: Callable[..., torch.Tensor]
) -> None:
    mask = corner_mask(1, 10, 4)
    outline = mask.float()
    outline[..., 1:3, 1:3] = 0.0
    assert Completeness().score(outline, probes_of(mask)).value.item() == pytest.approx(12 / 16, abs=1e-15)


def test_evenness_is_all_it_asks_for(
    probes_of: Callable[..., Probes], corner_mask: Callable[..., torch.Tensor]
) -> None:
    mask = corner_mask(2, 10, 4)
    probes = probes_of(mask)
    assert Completeness().score(mask.float(), probes).value.tolist() == [1.0, 1.0]
    assert Completeness().score(torch.full(mask.shape, 0.3), probes).value.tolist() == [1.0, 1.0]
    one = torch.zeros(mask.shape)
    one[..., 0, 0] = 2.0
    assert Completeness().score(one, probes).value.tolist() == pytest.approx([1 / 16] * 2, abs=1e-15)


def test_relevance_elsewhere_only_is_valid_and_zero(
    probes_of: Callable[..., Probes], corner_mask: Callable[..., torch.Tensor]
) -> None:
    mask = corner_mask(2, 10, 4)
    relevance = (~mask).float()
    relevance[1] = 0.0
    scored = Completeness().score(relevance, probes_of(mask))
    assert scored.value[0] == 0.0
    assert scored.value[1] == scored.chance[1] == 17 / 32
    assert scored.valid.tolist() == [True, False]


def test_huge_relevance_elsewhere_does_not_erase_the_mask(
    probes_of: Callable[..., Probes], corner_mask: Callable[..., torch.Tensor]
) -> None:
    mask = corner_mask(1, 10, 4)
    relevance = torch.full(mask.shape, 1e300, dtype=torch.float64)
    relevance[mask] = 1e-300
    assert Completeness().score(relevance, probes_of(mask)).value.item() == 1.0


def test_chance_is_the_expected_score_of_noise(
    probes_of: Callable[..., Probes], corner_mask: Callable[..., torch.Tensor]
) -> None:
    mask = corner_mask(4000, 4, 2)
    noise = torch.rand(mask.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    scored = Completeness().score(noise, probes_of(mask))
    error = scored.value.std() / 4000**0.5
    assert error < 4e-3
    assert abs(scored.value.mean() - 5 / 8) < 4 * error


def test_a_mask_of_one_pixel_is_refused(
    probes_of: Callable[..., Probes], corner_mask: Callable[..., torch.Tensor]
) -> None:
    mask = corner_mask(1, 4, 1)
    with pytest.raises(PeepholeError, match="has one pixel"):
        Completeness().score(mask.float(), probes_of(mask))
