"""Sanity checks: rank correlations with the maps of randomised networks, against SciPy."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from peephole.errors import PeepholeError
from peephole.leaderboard.base import METRICS, Probes
from peephole.leaderboard.metrics.sanity_top_down import SanityTopDown
from peephole.leaderboard.rank_correlation import rank_correlation
from peephole.leaderboard.ranks import average_ranks, on_grid
from peephole.leaderboard.relevance import to_picture

Make = Callable[..., Probes]
SHAPE = (3, 2, 5, 7)


def signed(seed: int, levels: int = 5, shape: tuple[int, ...] = SHAPE) -> torch.Tensor:
    """Signed maps with many ties."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-levels, levels + 1, shape, generator=generator).double()


@pytest.fixture
def probes(soft_probes_of: Make) -> Probes:
    return soft_probes_of(torch.rand(SHAPE, generator=torch.Generator().manual_seed(0)))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), levels=st.integers(1, 100))
def test_is_the_mean_size_of_the_correlations(soft_probes_of: Make, seed: int, levels: int) -> None:
    relevance, others = signed(seed, levels), signed(seed + 1, levels, (4, *SHAPE))
    scored = SanityTopDown().compare(relevance, others, soft_probes_of(torch.rand(SHAPE)))
    for n in range(3):
        sizes = [
            abs(float(spearmanr(relevance[n, t].flatten(), others[v, n, t].flatten()).statistic))
            for v in range(4)
            for t in range(2)
        ]
        assert scored.value[n].item() == pytest.approx(float(np.mean(sizes)), abs=1e-13)
    assert scored.valid.all()


def test_a_map_that_ignores_the_network_scores_exactly_one(probes: Probes) -> None:
    for relevance in (signed(1), signed(2) * 1e-9, probes.truth):
        assert SanityTopDown().compare(relevance, relevance.expand(5, *SHAPE), probes).value.tolist() == [1.0] * 3


def test_a_map_that_is_turned_over_or_scaled_is_the_same_map(probes: Probes) -> None:
    others = torch.stack([-signed(1), signed(1) * 40, signed(1) ** 3])
    assert SanityTopDown().compare(signed(1), others, probes).value.tolist() == [1.0] * 3


def test_one_network_after_the_other_gives_the_same_mean(probes: Probes) -> None:
    others = signed(7, shape=(4, *SHAPE))
    each = [SanityTopDown().compare(signed(1), other.unsqueeze(0), probes).value for other in others]
    together = SanityTopDown().compare(signed(1), others, probes).value
    torch.testing.assert_close(torch.stack(each).mean(dim=0), together, rtol=0, atol=1e-15)


def test_a_constant_map_of_the_trained_network_is_invalid_and_scores_as_one_that_ignores_it(probes: Probes) -> None:
    relevance = signed(1)
    relevance[1, 0] = -3.0
    scored = SanityTopDown().compare(relevance, signed(2).unsqueeze(0), probes)
    assert scored.valid.tolist() == [True, False, True]
    assert scored.value[1] == scored.chance[1] == 1


def test_a_constant_map_of_a_randomised_network_is_no_likeness(probes: Probes) -> None:
    others = torch.stack([signed(1), torch.full(SHAPE, 2.0, dtype=torch.float64)])
    scored = SanityTopDown().compare(signed(1), others, probes)
    assert scored.value.tolist() == [0.5] * 3
    assert scored.valid.all()


def test_rounding_of_the_up_sampling_does_not_part_what_is_equal(soft_probes_of: Make) -> None:
    coarse = torch.tensor([[1.0, -1.0], [1.0, -1.0]]).view(1, 1, 1, 2, 2) / 3
    relevance = to_picture(coarse, (21, 21))
    column = on_grid(relevance)[0, 0, 0]
    assert column[10] == 0
    assert column.equal(-column.flip(0))
    expected = average_ranks(column.expand(21, 21).view(1, 1, 21, 21))
    assert average_ranks(on_grid(relevance)).equal(expected)
    assert not average_ranks(relevance).equal(expected), "their rounding errors have an order"
    scored = SanityTopDown().compare(relevance, -relevance.unsqueeze(0), soft_probes_of(torch.rand(1, 1, 21, 21)))
    assert scored.value.tolist() == [1.0]


def test_correlation_with_no_order_is_none() -> None:
    flat, ranks = torch.zeros((1, 1, 3, 3), dtype=torch.float64), average_ranks(signed(0, shape=(1, 1, 3, 3)))
    for values, given_ranks in ((flat, ranks), (signed(0, shape=(1, 1, 3, 3)), average_ranks(flat))):
        correlation, ordered = rank_correlation(values, given_ranks)
        assert correlation.item() == 0
        assert not ordered.item()


@pytest.mark.parametrize("others", [(0, *SHAPE), (2, 3, 2, 5, 6), SHAPE])
def test_maps_that_do_not_fit_are_refused(probes: Probes, others: tuple[int, ...]) -> None:
    with pytest.raises(PeepholeError, match="explain the same pictures with all of them"):
        SanityTopDown().compare(signed(0), torch.zeros(others), probes)


def test_the_three_checks_ask_for_their_own_networks() -> None:
    kinds = {name: METRICS[f"sanity_{name}"] for name in ("top_down", "bottom_up", "independent")}
    assert all(metric.against == name for name, metric in kinds.items())
