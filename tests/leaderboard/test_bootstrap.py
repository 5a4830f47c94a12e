"""Resample weights and the intervals they give."""

import numpy as np
import pytest
from numpy.typing import NDArray

from peephole.errors import PeepholeError
from peephole.leaderboard.bootstrap import mean_interval, mean_weights, percentile_interval, resample_weights


def test_mean_weights_average_models_alike() -> None:
    assert mean_weights([2, 4]).tolist() == [0.25, 0.25, 0.125, 0.125, 0.125, 0.125]


def test_weights_of_one_model_are_counts_of_draws() -> None:
    counts = resample_weights([25]) * 25
    assert counts.shape == (2000, 25)
    assert np.allclose(counts, np.round(counts))
    assert np.allclose(counts.sum(axis=1), 25)
    # A count is binomial with 25 draws at 1/25: its mean is 1, its variance 24/25, and 0 comes up (24/25)^25 = .3604.
    assert np.allclose(counts.mean(axis=0), 1, atol=5 * (24 / 25 / 2000) ** 0.5)
    assert counts.var() == pytest.approx(24 / 25, rel=0.03)
    assert (np.round(counts) == 0).mean() == pytest.approx((24 / 25) ** 25, abs=0.01)


def test_models_are_drawn_first_and_pictures_within_them() -> None:
    weights = resample_weights([2, 6])
    first = np.round(weights[:, :2].sum(axis=1), 9)
    assert np.allclose(weights.sum(axis=1), 1)
    values, counts = np.unique(first, return_counts=True)
    assert values.tolist() == [0.0, 0.5, 1.0]
    assert (counts / 2000).tolist() == pytest.approx([0.25, 0.5, 0.25], abs=0.05)
    # Drawn once, a model's pictures share 1/2 in counts of 1/2 each; drawn twice it has four draws of 1/4.
    once, twice = weights[first == 0.5][:, 0] * 4, weights[first == 1.0][:, 0] * 4
    assert set(np.round(once, 9)) == {0.0, 1.0, 2.0}
    assert set(np.round(twice, 9)) == {0.0, 1.0, 2.0, 3.0, 4.0}
    assert (np.round(twice) == 2).mean() == pytest.approx(6 / 16, abs=0.08)


def test_seed_and_key_determine_the_weights() -> None:
    assert np.array_equal(resample_weights([9], "x", 1), resample_weights([9], "x", 1))
    assert not np.array_equal(resample_weights([9], "x", 1), resample_weights([9], "x", 2))
    assert not np.array_equal(resample_weights([9], "x", 1), resample_weights([9], "square", 1))


def test_the_spread_of_resampled_means_is_the_standard_error() -> None:
    scores = np.random.default_rng(1).exponential(size=80)
    assert (resample_weights([80]) @ scores).std() == pytest.approx(scores.std() / 80**0.5, rel=0.05)


def test_percentile_interval_is_the_middle_of_the_resamples() -> None:
    low, high = percentile_interval(np.arange(1001.0)[None, ::-1], 0.9)
    assert low.tolist() == pytest.approx([50])
    assert high.tolist() == pytest.approx([950])


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.999])
@pytest.mark.parametrize("count", [1, 2, 7, 2000])
def test_percentile_intervals_are_the_usual_quantiles(count: int, level: float) -> None:
    resampled = np.random.default_rng(count).normal(size=(3, count))
    ends = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2], axis=-1)
    assert np.allclose(percentile_interval(resampled, level), ends, rtol=1e-12, atol=1e-15)


def test_mean_interval_is_the_product_with_the_weights() -> None:
    first, second = np.random.default_rng(2).normal(size=(2, 30))
    mean, low, high = mean_interval([first, second[:20]], "x", 4)
    resampled = resample_weights([30, 20], "x", 4) @ np.concatenate([first, second[:20]])
    assert mean == pytest.approx((first.mean() + second[:20].mean()) / 2)
    assert (low, high) == pytest.approx(tuple(np.quantile(resampled, [0.025, 0.975])))
    assert low < mean < high


def test_a_single_picture_has_no_interval() -> None:
    mean, low, high = mean_interval([[0.3]])
    assert mean == 0.3
    assert np.isnan([low, high]).all()


def test_coverage_over_pictures() -> None:
    """Skewed scores of 100 pictures: the true mean is in about 95 % of the intervals."""
    samples = np.random.default_rng(3).beta(0.5, 2.0, size=(1500, 100))
    low, high = percentile_interval(samples @ resample_weights([100]).T)
    assert np.mean((low <= 0.2) & (high >= 0.2)) == pytest.approx(0.945, abs=0.02)


def test_coverage_over_models_needs_the_clustering() -> None:
    """Twelve models with 20 pictures each, where models differ more than pictures do."""
    generator = np.random.default_rng(4)
    effect = generator.normal(0, 1, size=(1000, 12, 1))
    samples = (effect + generator.normal(0, 0.5, size=(1000, 12, 20))).reshape(1000, 240)
    low, high = percentile_interval(samples @ resample_weights([20] * 12).T)
    assert 0.88 < np.mean((low <= 0) & (high >= 0)) < 0.97
    low, high = percentile_interval(samples @ resample_weights([240]).T)
    assert np.mean((low <= 0) & (high >= 0)) < 0.5


def some(total: int, *kept: int) -> NDArray[np.bool_]:
    return np.isin(np.arange(total), kept)


def test_scores_of_all_pictures_change_nothing() -> None:
    assert np.array_equal(
        resample_weights([3, 5], "x", 1, scored=np.ones(8, dtype=np.bool_)), resample_weights([3, 5], "x", 1)
    )


def test_a_row_with_some_pictures_has_the_bootstrap_of_those() -> None:
    kept = np.arange(40) % 4 == 0
    counts = resample_weights([40], scored=kept) * 10
    assert (counts[:, ~kept] == 0).all()
    counts = counts[:, kept]
    assert np.allclose(counts, np.round(counts))
    assert np.allclose(counts.sum(axis=1), 10)
    # Binomial with 10 draws at 1/10, as if there were no other pictures: not with the draws of 40 that happen to hit.
    assert np.allclose(counts.mean(axis=0), 1, atol=5 * (9 / 10 / 2000) ** 0.5)
    assert counts.var() == pytest.approx(9 / 10, rel=0.03)
    assert (np.round(counts) == 0).mean() == pytest.approx((9 / 10) ** 10, abs=0.01)


def test_rows_with_some_and_with_all_pictures_are_paired() -> None:
    """A row with half of the pictures shares its draws with a row that has all: cor = sqrt(1/2) at the very most."""
    scores = np.random.default_rng(3).normal(size=200)
    kept = np.arange(200) < 100
    all_of_them, half = resample_weights([200]) @ scores, resample_weights([200], scored=kept) @ scores
    assert half.std() == pytest.approx(scores[kept].std() / 100**0.5, rel=0.06)
    assert 0.6 < np.corrcoef(all_of_them, half)[0, 1] < 0.75


def test_draws_are_taken_in_their_order_and_go_on_where_too_few_hit() -> None:
    """Three draws from three pictures, for a row without the first: those that missed it, and new ones if they lack."""
    whole, part = resample_weights([3]) * 3, resample_weights([3], scored=some(3, 1, 2)) * 2
    missed = np.round(whole[:, 0]) == 0
    hit_once = np.round(whole[:, 0]) == 1
    # No draw hit it: the first two of the three count, so no count can be above the whole row's.
    assert (np.round(part[missed]) <= np.round(whole[missed])).all()
    # One did: the two others are all that is wanted.
    assert np.allclose(part[hit_once][:, 1:], whole[hit_once][:, 1:])
    assert np.allclose(part.sum(axis=1), 2)


def test_models_are_drawn_alike_for_rows_with_some_pictures() -> None:
    whole, part = resample_weights([4, 6]), resample_weights([4, 6], scored=some(10, 0, 1, 9))
    assert np.allclose(part[:, :4].sum(axis=1), whole[:, :4].sum(axis=1))
    assert np.allclose(part.sum(axis=1), 1)
    assert (part[:, [2, 3, 4, 5, 6, 7, 8]] == 0).all()


def test_a_model_without_scored_pictures_is_refused() -> None:
    with pytest.raises(PeepholeError, match="one model or more"):
        resample_weights([2, 2], scored=some(4, 0, 1))


@pytest.mark.parametrize("sizes", [[], [5, 0]])
def test_models_without_pictures_are_refused(sizes: list[int]) -> None:
    with pytest.raises(PeepholeError, match="one model or more"):
        resample_weights(sizes)
    with pytest.raises(PeepholeError, match="one model or more"):
        mean_weights(sizes)
    with pytest.raises(PeepholeError, match="one model or more"):
        mean_interval([np.zeros(size) for size in sizes])
