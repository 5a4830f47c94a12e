"""Wilson intervals: known values, the defining equation, coverage."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peephole.errors import PeepholeError
from peephole.leaderboard.wilson import wilson_interval

Z2 = 1.959963984540054**2


def test_known_values() -> None:
    low, high = wilson_interval([0, 5, 50, 50], [10, 10, 50, 100])
    assert low.tolist() == pytest.approx([0.0, 0.236593, 0.928652, 0.403832], abs=1e-6)
    assert high.tolist() == pytest.approx([0.277533, 0.763407, 1.0, 0.596168], abs=1e-6)


def test_all_and_none_end_exactly_at_the_border() -> None:
    trials = np.arange(1, 500)
    assert (wilson_interval(trials, trials)[1] == 1.0).all()
    assert (wilson_interval(0, trials)[0] == 0.0).all()


@settings(deadline=None)
@given(trials=st.integers(1, 500), share=st.floats(0, 1))
def test_ends_solve_the_score_equation(trials: int, share: float) -> None:
    successes = round(share * trials)
    for end in wilson_interval(successes, trials):
        p = float(end)
        assert 0 <= p <= 1
        assert (successes / trials - p) ** 2 == pytest.approx(Z2 * p * (1 - p) / trials, abs=1e-9)


def test_coverage_is_near_its_level() -> None:
    for trials in (20, 50, 200):
        counts = np.arange(trials + 1)
        low, high = wilson_interval(counts, trials)
        coverage = []
        for p in np.linspace(0.02, 0.98, 97):
            mass = np.array([math.comb(trials, int(k)) * p**k * (1 - p) ** (trials - k) for k in counts])
            coverage.append(mass[(low <= p) & (p <= high)].sum())
        assert abs(np.mean(coverage) - 0.95) < 0.01
        assert min(coverage) > 0.85


def test_symmetric_under_counting_failures() -> None:
    low, high = wilson_interval(np.arange(11), 10)
    assert (1 - high[::-1]).tolist() == pytest.approx(low.tolist(), abs=1e-15)


@pytest.mark.parametrize(("successes", "trials"), [(1, 0), (-1, 5), (6, 5), (0.5, 5), (float("nan"), 5)])
def test_what_is_no_count_is_refused(successes: float, trials: float) -> None:
    with pytest.raises(PeepholeError, match="whole numbers"):
        wilson_interval(successes, trials)


@pytest.mark.parametrize("level", [0.0, 1.0, 95])
def test_what_is_no_level_is_refused(level: float) -> None:
    with pytest.raises(PeepholeError, match="level is"):
        wilson_interval(1, 5, level)
