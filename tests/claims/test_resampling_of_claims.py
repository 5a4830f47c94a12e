"""Intervals of statistics that are no means."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from peephole.claims.resampling import RESAMPLES, draw, rank_correlation


def test_the_first_weights_are_the_plain_mean_over_models_of_the_means() -> None:
    drawn = draw({"square": (3, 2)}, "test")
    assert drawn.weights["square"].shape == (1 + RESAMPLES + 2, 5)
    np.testing.assert_allclose(drawn.weights["square"].sum(axis=1), 1)
    means = drawn.means("square", [[1, 2, 3, 10, 20], [0, 0, 0, 1, 1]])
    np.testing.assert_allclose(means[:, 0], [(2 + 15) / 2, 0.5])
    np.testing.assert_allclose(means[:, -2:], [[2, 15], [0, 1]])  # each model by itself
    np.testing.assert_allclose(means[1, : 1 + RESAMPLES], 0.5)  # pictures are drawn within models
    assert (drawn.models, drawn.n) == ((2, 2), 5)


def test_an_interval_covers_the_mean_of_normals_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    covered = 0
    for trial in range(200):
        drawn = draw({"a": (40,)}, f"trial {trial}")
        estimate = drawn.estimate(drawn.means("a", random.normal(1.0, 1.0, 40)), 0.9)
        covered += estimate.low < 1 < estimate.high
    assert 165 <= covered <= 194  # 180 of 200; a bootstrap of 40 is slightly too narrow


def test_an_interval_takes_in_what_each_model_says() -> None:
    values = np.array([0.0] * 30 + [1.0] * 30)  # pictures of a model agree: all spread is between the models
    drawn = draw({"a": (30, 30)}, "two models")
    estimate = drawn.estimate(drawn.means("a", values), 0.95)
    assert (estimate.value, estimate.low, estimate.high) == (0.5, 0.0, 1.0)
    assert (estimate.n, estimate.of) == (60, "pictures of 2 models")


def test_a_group_with_fewer_models_stands_in_with_those_that_it_has() -> None:
    drawn = draw({"a": (4, 4), "b": (4,)}, "one missing")
    total = drawn.means("a", [0.0] * 4 + [1.0] * 4) + drawn.means("b", [10.0] * 4)
    estimate = drawn.estimate(total, 0.95)
    assert (estimate.low, estimate.high) == (10.0, 11.0)
    assert estimate.of == "pictures of 1 to 2 models"


def test_the_smallest_of_equal_differences_does_not_seem_to_differ() -> None:
    random = np.random.default_rng(1)
    failed = 0
    for trial in range(60):
        drawn = draw({"a": (50,)}, f"smallest {trial}")
        several = drawn.means("a", random.normal(0.0, 1.0, (12, 50)))
        estimate = drawn.estimate(several, 0.95)
        assert estimate.value == several[:, 0].min()
        failed += estimate.high <= 0
    assert failed <= 6  # 60 · 0.05 / 2 would be 1.5; the percentiles of 50 pictures are a little narrow
    sure = drawn.estimate(drawn.means("a", np.array([random.normal(m, 0.1, 50) for m in (1.0, 2.0)])), 0.95)
    assert 0.9 < sure.low < 1.0 < sure.high < 1.1


def test_the_size_of_noise_may_be_none() -> None:
    random = np.random.default_rng(2)
    drawn = draw({"a": (50,)}, "size")
    noise = drawn.largest_size(drawn.means("a", random.normal(0.0, 1.0, (9, 50))), 0.95)
    assert noise.low == 0.0
    below = drawn.largest_size(drawn.means("a", np.array([[0.0] * 50, [-2.0] * 50])), 0.95)
    assert (below.value, below.low, below.high) == pytest.approx((2.0, 2.0, 2.0))


def test_groups_are_drawn_independently_and_again_the_same() -> None:
    one, again = draw({"a": (20,), "b": (20,)}, "key"), draw({"b": (20,), "a": (20,)}, "key")
    np.testing.assert_array_equal(one.weights["a"], again.weights["a"])
    assert (one.weights["a"] != one.weights["b"]).any()
    assert (one.weights["a"] != draw({"a": (20,)}, "another").weights["a"]).any()


def test_nan_gives_no_interval() -> None:
    drawn = draw({"a": (4,)}, "nan")
    estimate = drawn.estimate(drawn.means("a", [1.0, 2.0, math.nan, 3.0]), 0.95)
    assert math.isnan(estimate.low)
    assert math.isnan(estimate.high)


@settings(max_examples=50)
@given(st.lists(st.integers(-5, 5), min_size=3, max_size=12))
def test_rank_correlation_is_spearmans(values: list[int]) -> None:
    found = rank_correlation(np.array(values, dtype=np.float64)[:, None])[0]
    expected = spearmanr(values, range(len(values))).statistic if len(set(values)) > 1 else 0.0
    assert found == pytest.approx(expected)


def test_rank_correlation_of_a_curve_with_a_hole_is_unknown() -> None:
    found = rank_correlation(np.array([[1.0, 2.0, 3.0], [1.0, math.nan, 3.0]]), axis=1)
    assert found[0] == pytest.approx(1.0)
    assert math.isnan(found[1])
