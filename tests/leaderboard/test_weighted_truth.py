"""P1's metrics with weights for masks, pixel by pixel once more."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from peephole.leaderboard.base import METRICS, Probes
from peephole.leaderboard.weighted_truth import pixel_weights, weighted_filling, weighted_share

N, T, SIDE = 5, 2, 6


def drawn(seed):
    generator = torch.Generator().manual_seed(seed)
    maps = torch.randn(N, T, SIDE, SIDE, generator=generator, dtype=torch.float64)
    mask = torch.rand(N, T, SIDE, SIDE, generator=generator) < 0.3
    mask[..., 0, :2], mask[..., -1, -1] = True, False
    maps[0, 1] = -1.0  # a map that says nothing
    return maps, mask, torch.rand(N, T, SIDE, SIDE, generator=generator, dtype=torch.float64) * mask


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 50))
def test_whole_masks_give_the_metrics_of_the_board(seed):
    maps, mask, _ = drawn(seed)
    image, target = torch.zeros(N, 3, SIDE, SIDE), torch.tensor([[0, 1]] * N)
    probes = Probes(image, image, mask, mask, target)
    for name, ours in (
        ("fine_grained", weighted_share),
        ("class_sensitivity", weighted_share),
        ("completeness", weighted_filling),
    ):
        expected, found = METRICS[name]().score(maps, probes), ours(maps, mask.double())
        for part in ("value", "chance", "valid"):
            torch.testing.assert_close(getattr(found, part), getattr(expected, part), rtol=1e-12, atol=1e-12)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 50))
def test_weighted_metrics_by_loops(seed):
    maps, _, weight = drawn(seed)
    share, filling = weighted_share(maps, weight).value, weighted_filling(maps, weight).value
    for picture in range(1, N):
        shares, fillings = [], []
        for target in range(T):
            inside = total = weights = peak = 0.0
            for row in range(SIDE):
                for column in range(SIDE):
                    energy = max(float(maps[picture, target, row, column]), 0.0)
                    w = float(weight[picture, target, row, column])
                    inside, total, weights = inside + w * energy, total + energy, weights + w
                    peak = max(peak, energy) if w > 0 else peak
            shares.append(inside / total)
            fillings.append(inside / weights / peak if peak else 0.0)
        assert float(share[picture]) == pytest.approx(np.mean(shares), rel=1e-12)
        assert float(filling[picture]) == pytest.approx(np.mean(fillings), rel=1e-12)


def test_maps_and_truths_that_say_nothing_score_chance():
    maps, _, weight = drawn(0)
    assert not weighted_share(maps, weight).valid[0]
    assert weighted_share(maps, weight).value[0] == weight[0].mean()
    nothing = weighted_filling(maps.abs(), torch.zeros_like(weight))
    assert not nothing.valid.any()
    assert torch.isfinite(nothing.value).all()


def test_weights_are_losses_over_the_largest():
    mask = torch.tensor([[[[True, True, False, True]], [[True, True, True, True]]]])
    nearest = torch.tensor([[[[0, 1, 1, 3]], [[0, 1, 2, 3]]]])
    lost = torch.tensor([[0.4, -0.1, 0.9, float("nan")], [0.0, -0.2, float("nan"), 0.0]], dtype=torch.float64)
    found = pixel_weights(mask, nearest, lost)
    torch.testing.assert_close(found[0, 0, 0], torch.tensor([0.4 / 0.9, 0.0, 0.0, 0.0], dtype=torch.float64))
    assert not found[0, 1].any()
