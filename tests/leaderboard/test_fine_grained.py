"""Fine-grained localization in closed form."""

from collections.abc import Callable

import pytest
import torch

from peephole.leaderboard.base import Probes
from peephole.leaderboard.metrics.fine_grained import FineGrained


def test_is_the_share_in_the_band(probes_of: Callable[..., Probes]) -> None:
    mask = torch.eye(8, dtype=torch.bool).expand(2, 1, 8, 8)
    relevance = torch.zeros((2, 1, 8, 8))
    relevance[0, 0, 2, 2], relevance[0, 0, 2, 3], relevance[0, 0, 7, 0] = 1.0, 3.0, -5.0
    relevance[1] = 1.0
    scored = FineGrained().score(relevance, probes_of(mask))
    assert scored.value.tolist() == pytest.approx([0.25, 1 / 8], abs=1e-15)
    assert scored.chance.tolist() == pytest.approx([1 / 8, 1 / 8], abs=1e-15)
    assert scored.valid.all()


def test_chance_is_the_expected_score_of_noise(probes_of: Callable[..., Probes]) -> None:
    mask = torch.eye(6, dtype=torch.bool).expand(4000, 1, 6, 6)
    noise = torch.rand(mask.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    scored = FineGrained().score(noise, probes_of(mask))
    error = scored.value.std() / 4000**0.5
    assert error < 1e-3
    assert abs(scored.value.mean() - 1 / 6) < 4 * error
