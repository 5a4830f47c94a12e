"""Average precision against the truth mask: loops, scikit-learn, closed forms, chance."""

from collections.abc import Callable
from fractions import Fraction
from itertools import permutations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from peephole.errors import PeepholeError
from peephole.leaderboard.base import Probes
from peephole.leaderboard.metrics.truth_auprc import TruthAuprc

Make = Callable[..., Probes]


def slow_precision(relevance: list[float], mask: list[bool]) -> float:
    """Walk down the distinct values; at each, count what is at least as high."""
    energy = [max(value, 0.0) for value in relevance]
    total, recall_before = 0.0, 0.0
    for value in sorted(set(energy), reverse=True):
        found = [truth for other, truth in zip(energy, mask, strict=True) if other >= value]
        recall, precision = sum(found) / sum(mask), sum(found) / len(found)
        total += (recall - recall_before) * precision
        recall_before = recall
    return total


def drawn(seed: int, count: int, targets: int = 2, levels: int = 9) -> tuple[torch.Tensor, torch.Tensor]:
    """Maps with many ties and zeros, and masks that leave something out."""
    generator = torch.Generator().manual_seed(seed)
    relevance = torch.randint(-levels // 2, levels, (count, targets, 6, 5), generator=generator).double()
    mask = torch.rand((count, targets, 6, 5), generator=generator) < 0.3
    mask[..., 0, 0], mask[..., 5, 4] = True, False
    relevance[..., 3, 3] = levels
    return relevance, mask


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), levels=st.integers(1, 200))
def test_equals_the_slow_form_and_scikit_learn(probes_of: Make, seed: int, levels: int) -> None:
    relevance, mask = drawn(seed, 3, levels=levels)
    value = TruthAuprc().score(relevance, probes_of(mask)).value
    for n in range(3):
        pairs = [(relevance[n, t].flatten(), mask[n, t].flatten()) for t in range(2)]
        slow = [slow_precision(r.tolist(), m.tolist()) for r, m in pairs]
        peer = [average_precision_score(m.numpy(), r.clamp(min=0).numpy()) for r, m in pairs]
        assert value[n].item() == pytest.approx(sum(slow) / 2, abs=1e-13)
        assert value[n].item() == pytest.approx(sum(peer) / 2, abs=1e-13)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), power=st.floats(0.1, 4), factor=st.floats(1e-6, 1e6))
def test_only_the_order_of_positive_relevance_counts(probes_of: Make, seed: int, power: float, factor: float) -> None:
    relevance, mask = drawn(seed, 3)
    scored = TruthAuprc().score(relevance, probes_of(mask))
    changed = torch.where(relevance > 0, factor * relevance.clamp(min=0) ** power, 7 * relevance)
    assert TruthAuprc().score(changed, probes_of(mask)).value.equal(scored.value)
    assert ((scored.value > 0) & (scored.value <= 1)).all()


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), order=st.permutations(range(5)))
def test_pictures_may_be_shuffled(probes_of: Make, seed: int, order: list[int]) -> None:
    relevance, mask = drawn(seed, 5)
    value = TruthAuprc().score(relevance, probes_of(mask)).value
    assert TruthAuprc().score(relevance[order], probes_of(mask[order])).value.equal(value[order])


@pytest.mark.parametrize(("pixels", "size"), [(5, 2), (6, 1), (6, 5), (7, 3)])
def test_chance_is_the_mean_over_all_orders(probes_of: Make, pixels: int, size: int) -> None:
    total, count = Fraction(0), 0
    for order in permutations([True] * size + [False] * (pixels - size)):
        hits = [place for place, hit in enumerate(order, start=1) if hit]
        total += sum(Fraction(found, place) for found, place in enumerate(hits, start=1)) / size
        count += 1
    mask = torch.zeros((1, 1, 1, pixels), dtype=torch.bool)
    mask[..., :size] = True
    chance = TruthAuprc().score(torch.ones(mask.shape), probes_of(mask)).chance.item()
    assert chance == pytest.approx(float(total / count), abs=1e-14)


def test_random_maps_score_chance_on_average(probes_of: Make, corner_mask: Callable[..., torch.Tensor]) -> None:
    mask = corner_mask(4000, 8, 3)
    noise = torch.randn(mask.shape, generator=torch.Generator().manual_seed(0)).abs()
    scored = TruthAuprc().score(noise, probes_of(mask))
    excess = scored.value - scored.chance
    error = excess.std() / 4000**0.5
    assert error < 2e-3
    assert abs(excess.mean()) < 3 * error
    assert abs(scored.value.mean() - 9 / 64) > 10 * error, "the mask's share alone would be wrong"


def test_closed_forms(probes_of: Make, corner_mask: Callable[..., torch.Tensor]) -> None:
    mask = corner_mask(1, 10, 4)
    metric, probes = TruthAuprc(), probes_of(mask)
    assert metric.score(mask.float(), probes).value.item() == 1.0
    assert metric.score(torch.full(mask.shape, 0.3), probes).value.item() == pytest.approx(0.16, abs=1e-15)
    last = sum(found / (84 + found) for found in range(1, 17)) / 16  # all else first, in any order
    falling = torch.arange(100.0, 0.0, -1).view(mask.shape)
    assert metric.score(falling + 100 * ~mask, probes).value.item() == pytest.approx(last, abs=1e-15)
    # The anti-oracle leaves the mask to the end as one: precision 16 of 100.
    assert metric.score((~mask).float(), probes).value.item() == pytest.approx(0.16, abs=1e-15)
    half = torch.zeros(mask.shape)
    half[..., :2, :4] = 2.0  # eight of the sixteen first, the rest with everything else
    assert metric.score(half, probes).value.item() == pytest.approx(0.5 + 0.5 * 0.16, abs=1e-15)


def test_one_empty_map_makes_the_picture_invalid(probes_of: Make) -> None:
    relevance, mask = drawn(0, 2)
    relevance[1, 0] = -1.0
    scored = TruthAuprc().score(relevance, probes_of(mask))
    assert scored.valid.tolist() == [True, False]
    assert scored.value[1] == scored.chance[1]


def test_a_mask_over_the_whole_picture_is_refused(probes_of: Make) -> None:
    mask = torch.ones((2, 1, 3, 3), dtype=torch.bool)
    with pytest.raises(PeepholeError, match="covers the whole picture"):
        TruthAuprc().score(mask.float(), probes_of(mask))
