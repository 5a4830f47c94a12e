"""Kendall's τ-b of many resamples at once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kendalltau

from peephole.claims.agreement import kendall


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000), st.integers(2, 7), st.integers(2, 6))
def test_tau_b_is_scipy_s(seed, things, steps):
    generator = np.random.default_rng(seed)
    first, second = generator.integers(0, steps, (2, things, 4)) / 10
    found = kendall(first, second)
    for column in range(4):
        expected = kendalltau(first[:, column], second[:, column]).statistic
        assert found[column] == pytest.approx(0.0 if np.isnan(expected) else expected, abs=1e-12)


def test_rounding_makes_no_order_and_nan_gives_none():
    first = np.array([[0.3, 0.1], [0.1 + 0.2, 0.2], [0.5, np.nan]])
    second = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    assert kendall(first, second)[0] == pytest.approx(2 / np.sqrt(2 * 3))
    assert np.isnan(kendall(first, second)[1])
