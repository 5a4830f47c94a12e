"""Rank correlation with a soft truth: loops, SciPy, closed forms, chance."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from peephole.errors import PeepholeError
from peephole.leaderboard.base import Probes
from peephole.leaderboard.metrics.truth_spearman import TruthSpearman

Make = Callable[..., Probes]


def slow_ranks(values: list[float]) -> list[float]:
    return [sum(other < one for other in values) + (1 + sum(other == one for other in values)) / 2 for one in values]


def slow_correlation(first: list[float], second: list[float]) -> float:
    a, b = slow_ranks(first), slow_ranks(second)
    mean = (len(a) + 1) / 2
    together = sum((x - mean) * (y - mean) for x, y in zip(a, b, strict=True))
    return together / (sum((x - mean) ** 2 for x in a) * sum((y - mean) ** 2 for y in b)) ** 0.5


def drawn(seed: int, count: int, levels: int = 9) -> tuple[torch.Tensor, torch.Tensor]:
    """Maps with many ties and zeros, and soft truths with ties."""
    generator = torch.Generator().manual_seed(seed)
    relevance = torch.randint(-levels // 2, levels, (count, 2, 6, 5), generator=generator).double()
    soft = torch.randint(levels, (count, 2, 6, 5), generator=generator).float() / (levels + 1)
    relevance[..., 3, 3], soft[..., 0, 0] = levels, 1.0
    return relevance, soft


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), levels=st.integers(1, 200))
def test_equals_the_slow_form_and_scipy(soft_probes_of: Make, seed: int, levels: int) -> None:
    relevance, soft = drawn(seed, 3, levels)
    value = TruthSpearman().score(relevance, soft_probes_of(soft)).value
    for n in range(3):
        pairs = [(relevance[n, t].clamp(min=0).flatten(), soft[n, t].flatten()) for t in range(2)]
        slow = [slow_correlation(r.tolist(), s.tolist()) for r, s in pairs]
        peer = [float(spearmanr(r.numpy(), s.numpy()).statistic) for r, s in pairs]
        assert value[n].item() == pytest.approx(sum(slow) / 2, abs=1e-13)
        assert value[n].item() == pytest.approx(sum(peer) / 2, abs=1e-13)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), power=st.floats(0.1, 4), factor=st.floats(1e-6, 1e6))
def test_only_the_order_of_positive_relevance_counts(
    soft_probes_of: Make, seed: int, power: float, factor: float
) -> None:
    relevance, soft = drawn(seed, 3)
    scored = TruthSpearman().score(relevance, soft_probes_of(soft))
    changed = torch.where(relevance > 0, factor * relevance.clamp(min=0) ** power, 7 * relevance)
    assert TruthSpearman().score(changed, soft_probes_of(soft)).value.equal(scored.value)
    assert (scored.value.abs() <= 1).all()


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), order=st.permutations(range(5)))
def test_pictures_may_be_shuffled(soft_probes_of: Make, seed: int, order: list[int]) -> None:
    relevance, soft = drawn(seed, 5)
    value = TruthSpearman().score(relevance, soft_probes_of(soft)).value
    assert TruthSpearman().score(relevance[order], soft_probes_of(soft[order])).value.equal(value[order])


def test_random_maps_score_chance_on_average(soft_probes_of: Make) -> None:
    generator = torch.Generator().manual_seed(0)
    soft = torch.rand((4000, 1, 8, 8), generator=generator) ** 4
    scored = TruthSpearman().score(torch.randn(soft.shape, generator=generator), soft_probes_of(soft))
    error = scored.value.std() / 4000**0.5
    assert error < 3e-3
    assert abs(scored.value.mean()) < 3 * error
    assert not scored.chance.any()


def test_the_same_order_scores_one_and_the_opposite_minus_one(soft_probes_of: Make) -> None:
    _, soft = drawn(4, 6, levels=200)
    probes = soft_probes_of(soft)
    assert TruthSpearman().score(soft, probes).value.tolist() == [1.0] * 6
    assert TruthSpearman().score(soft.double().exp(), probes).value.tolist() == [1.0] * 6
    assert TruthSpearman().score(2 - soft, probes).value.tolist() == [-1.0] * 6


@pytest.mark.parametrize("fill", [-1.0, 0.0, 0.3, 1e30])
def test_an_even_map_is_invalid_and_scores_zero(soft_probes_of: Make, fill: float) -> None:
    relevance, soft = drawn(2, 3)
    relevance[1, 0] = fill
    scored = TruthSpearman().score(relevance, soft_probes_of(soft))
    assert scored.valid.tolist() == [True, False, True]
    assert scored.value[1] == 0.0


def test_an_even_truth_is_refused(soft_probes_of: Make) -> None:
    relevance, soft = drawn(2, 3)
    soft[1, 1] = 0.5
    with pytest.raises(PeepholeError, match="the same everywhere, expected an order of pixels"):
        TruthSpearman().score(relevance, soft_probes_of(soft))
