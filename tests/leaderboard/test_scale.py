"""How far apart chance and the truth are, by which scores are divided."""

import math
from statistics import mean, stdev

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peephole.leaderboard.scale import scales


def slow_scales(chance: list[float], best: list[float], sizes: list[int], direction: str) -> list[float] | None:
    """Model by model and picture by picture; None where the truth does not win everywhere."""
    found, start = [], 0
    for size in sizes:
        pairs = zip(chance[start : start + size], best[start : start + size], strict=True)
        lead = [b - c for c, b in pairs if not math.isnan(b)]
        start += size
        if not lead:
            return None
        found.append(mean(lead))
        error = stdev(lead) / math.sqrt(len(lead)) if len(lead) > 1 else 0.0
        won = found[-1] if direction == "higher" else -found[-1]
        if won <= 1.96 * error or won <= 1e-9:
            return None
    return found


@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    sizes=st.lists(st.integers(1, 8), min_size=1, max_size=3),
    lead=st.floats(-0.6, 0.6),
    missing=st.floats(0, 0.6),
    direction=st.sampled_from(["higher", "lower"]),
)
def test_scales_equal_the_slow_ones(seed: int, sizes: list[int], lead: float, missing: float, direction: str) -> None:
    generator = np.random.default_rng(seed)
    chance = generator.uniform(0, 1, size=sum(sizes))
    best = chance + lead + generator.normal(0, 0.3, size=sum(sizes))
    unknown = generator.random(sum(sizes)) < missing
    chance[unknown] = best[unknown] = np.nan
    found = scales(chance, best, sizes, direction)
    expected = slow_scales(chance.tolist(), best.tolist(), sizes, direction)
    assert found.tolist() == pytest.approx(expected) if expected else np.isnan(found).all()


def test_one_model_in_which_the_truth_loses_spoils_the_condition() -> None:
    chance = np.full(6, 0.5)
    best = np.array([0.9, 0.8, 0.7, 0.4, 0.3, 0.2])
    assert scales(chance[:3], best[:3], [3], "higher").tolist() == pytest.approx([0.3])
    assert scales(chance[3:], best[3:], [3], "lower").tolist() == pytest.approx([-0.2])
    assert np.isnan(scales(chance, best, [3, 3], "higher")).all()


def test_a_lead_must_stand_out_from_its_error() -> None:
    chance, spread = np.zeros(100), np.tile([1.0, -1.0], 50)
    error = spread.std(ddof=1) / 10
    assert np.isfinite(scales(chance, spread + 1.97 * error, [100], "higher")).all()
    assert np.isnan(scales(chance, spread + 1.95 * error, [100], "higher")).all()


def test_without_spread_any_lead_that_is_no_rounding_will_do() -> None:
    assert scales(np.zeros(3), np.full(3, 1e-6), [3], "higher").tolist() == [pytest.approx(1e-6)]
    assert np.isnan(scales(np.full(3, 0.3), np.full(3, 0.1 + 0.2), [3], "higher")).all()
    assert scales(np.array([0.2]), np.array([0.9]), [1], "higher").tolist() == [pytest.approx(0.7)]
