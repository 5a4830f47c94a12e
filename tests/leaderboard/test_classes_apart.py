"""AUROC and point-biserial correlation, against pairs counted one by one and against SciPy and scikit-learn."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import pearsonr
from sklearn.metrics import roc_auc_score

from peephole.errors import PeepholeError
from peephole.leaderboard.auroc import auroc
from peephole.leaderboard.point_biserial import point_biserial


def drawn(seed=0, n=80, ties=False):
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < 0.7
    scores = rng.normal(size=n) + positive
    return (np.round(scores) if ties else scores), positive


@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=15))
def test_the_area_counts_pairs(pairs):
    scores = np.array([score for score, _ in pairs], dtype=np.float64)
    positive = np.array([flag for _, flag in pairs])
    found = auroc(scores, positive).value
    wins = [(a > b) + 0.5 * (a == b) for a in scores[positive] for b in scores[~positive]]
    assert found == pytest.approx(np.mean(wins)) if wins else math.isnan(found)


@pytest.mark.parametrize("ties", [False, True])
def test_the_interval_is_delongs(ties):
    """Its variance is that of the structural components, counted one by one."""
    scores, positive = drawn(3, ties=ties)
    found = auroc(scores, positive)
    assert found.value == pytest.approx(roc_auc_score(positive, scores))
    kernel = np.array([[(a > b) + 0.5 * (a == b) for b in scores[~positive]] for a in scores[positive]])
    variance = kernel.mean(1).var(ddof=1) / kernel.shape[0] + kernel.mean(0).var(ddof=1) / kernel.shape[1]
    half = 1.959964 * math.sqrt(variance) / (found.value * (1 - found.value))
    ends = [1 / (1 + math.exp(-(math.log(found.value / (1 - found.value)) + sign * half))) for sign in (-1, 1)]
    assert (found.low, found.high) == pytest.approx(ends, rel=1e-6)


def test_the_interval_covers_the_truth():
    truth = 0.5 * (1 + math.erf(1 / 2))  # of normal scores one standard deviation apart
    found = [auroc(*drawn(seed)) for seed in range(300)]
    assert np.mean([one.low <= truth <= one.high for one in found]) > 0.9
    assert np.mean([one.high - one.low for one in found]) < 0.35


def test_the_correlation_is_scipys():
    scores, positive = drawn(4)
    found, theirs = point_biserial(scores, positive), pearsonr(scores, positive)
    assert (found.value, found.p) == pytest.approx((theirs.statistic, theirs.pvalue), rel=1e-9)
    assert (found.low, found.high) == pytest.approx(tuple(theirs.confidence_interval()), rel=1e-6)
    assert not found.reason


def test_a_perfect_correlation_has_its_value():
    positive = np.arange(10) < 5
    found = point_biserial(positive.astype(np.float64), positive)
    assert found.value == pytest.approx(1)
    assert found.p == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("fill", [True, False])
def test_one_class_has_neither(fill):
    scores = np.arange(10.0)
    for found in (auroc(scores, np.full(10, fill)), point_biserial(scores, np.full(10, fill))):
        assert math.isnan(found.value)
        assert math.isnan(found.low)
        assert found.reason == "all pictures are of one class"


def test_what_is_not_defined_says_so():
    one = np.arange(10) == 3
    found = auroc(np.arange(10.0), one)
    assert found.value == pytest.approx(3 / 9)
    assert math.isnan(found.low)
    assert "a single picture" in found.reason
    split = auroc(np.arange(10.0), np.arange(10) > 4)
    assert split.value == 1
    assert math.isnan(split.low)
    assert "does not vary" in split.reason
    assert point_biserial(np.full(10, 0.1), one).reason == "all scores are equal"
    assert point_biserial(np.array([1.0, 2.0, 3.0]), np.array([True, False, True])).reason == "fewer than four pictures"
    assert auroc(np.array([]), np.array([], dtype=bool)).reason
    assert point_biserial(np.array([]), np.array([], dtype=bool)).reason


@pytest.mark.parametrize("function", [auroc, point_biserial])
@pytest.mark.parametrize("scores", [[1.0, math.nan], [1.0], [math.inf, 1.0]])
def test_scores_must_be_numbers_for_each(function, scores):
    with pytest.raises(PeepholeError, match="one finite score for each"):
        function(np.array(scores), np.array([True, False]))
