"""How often methods that are equal are found separable, and what clustering by model does about it."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import ttest_1samp

from peephole.leaderboard.alignment import Condition, Lineup, Model, Pictures
from peephole.leaderboard.differences import Side, p_values, paired_differences, unpaired_differences
from peephole.leaderboard.holm import holm

PAIRS = 400


def lineup_of(sizes: list[int], scores: dict[str, NDArray[np.float64]]) -> Lineup:
    """Rows ``[R,P]`` of scores between 0, which is chance, and 1, by metric."""
    total, rows = sum(sizes), len(next(iter(scores.values())))
    models = tuple(Model(seed, f"m{seed}", "d") for seed in range(len(sizes)))
    pictures = Pictures(models, tuple(sizes), (0,) * len(sizes), np.zeros(total, dtype=np.bool_))
    valid, chance, best = np.ones((rows, total), dtype=np.bool_), np.zeros(total), np.ones(total)
    conditions = tuple(
        Condition("square", metric, True, "higher", pictures, value, valid, chance, best)
        for metric, value in scores.items()
    )
    names = tuple((f"r{row}", "method", "") for row in range(rows))
    return Lineup(("quick", "1", "shapes", "resnet8"), names, {"square": pictures}, conditions)


def clustered(generator: np.random.Generator, models: int, each: int, between: float) -> NDArray[np.float64]:
    """2 x PAIRS rows of equal expected score. Each is better on some models and worse on others."""
    effect = generator.normal(0, between, size=(2 * PAIRS, models, 1))
    hard = generator.normal(0, 0.5, size=(1, models, each))
    noise = generator.normal(0, 0.2, size=(2 * PAIRS, models, each))
    return (0.5 + effect + hard + noise).reshape(2 * PAIRS, models * each)


def found(lineup: Lineup, metric: str = "m") -> NDArray[np.float64]:
    """The p-values of rows 0, 1, ... beside rows PAIRS, PAIRS + 1, ..."""
    one, other = Side(lineup, range(PAIRS)), Side(lineup, range(PAIRS, 2 * PAIRS))
    return next(each.p for each in paired_differences(one, other, [metric]) if each.measure == metric)


def test_equal_methods_are_separated_one_time_in_twenty() -> None:
    scores = clustered(np.random.default_rng(0), 1, 80, 0.0)
    assert 0.02 < np.mean(found(lineup_of([80], {"m": scores})) < 0.05) < 0.08


@pytest.mark.parametrize("pictures", [2, 3, 5, 10])
def test_few_pictures_separate_no_more_often(pictures: int) -> None:
    scores = clustered(np.random.default_rng(pictures), 1, pictures, 0.0)
    lineup = lineup_of([pictures], {"m": scores})
    (_, metric) = paired_differences(Side(lineup, range(PAIRS)), Side(lineup, range(PAIRS, 2 * PAIRS)), ["m"])
    assert 0.02 < np.mean(metric.p < 0.05) < 0.08
    if pictures <= 5:
        error = (metric.high - metric.low) / 2 / 1.96
        assert np.mean(np.abs(metric.difference) > 1.96 * error) > 0.1, "as a normal distribution would have it"


def test_p_values_are_those_of_a_t_test() -> None:
    """Of pictures without ties the bootstrap's error is the standard deviation over sqrt(n), but for resampling."""
    pictures = np.random.default_rng(0).normal(0.3, 1, size=(50, 12))
    expected = ttest_1samp(pictures, 0, axis=1).pvalue
    error = pictures.std(axis=1) / 12**0.5
    assert p_values(pictures.mean(axis=1), error, np.full(50, 12)).tolist() == pytest.approx(
        expected.tolist(), rel=1e-4
    )
    found = p_values(np.array([0.0, 1e-8, 1.0, np.nan, 1.0, 1.96]), np.array([1.0, 0.0, 0.0, 1.0, np.nan, 1.0]))
    assert found[:3].tolist() == [1.0, 1.0, 0.0]
    assert np.isnan(found[3:5]).all()
    assert found[5] == pytest.approx(0.05, abs=1e-4)


def test_methods_that_differ_between_models_need_the_clustering() -> None:
    scores = clustered(np.random.default_rng(1), 12, 15, 0.1)
    assert np.mean(found(lineup_of([15] * 12, {"m": scores})) < 0.05) < 0.10
    assert np.mean(found(lineup_of([180], {"m": scores})) < 0.05) > 0.3, "as if pictures were all that there is"


def test_intervals_cover_the_true_difference() -> None:
    scores = clustered(np.random.default_rng(2), 12, 15, 0.1)
    scores[:PAIRS] += 0.07
    lineup = lineup_of([15] * 12, {"m": scores})
    (_, metric) = paired_differences(Side(lineup, range(PAIRS)), Side(lineup, range(PAIRS, 2 * PAIRS)), ["m"])
    assert 0.88 < np.mean((metric.low <= 0.07) & (metric.high >= 0.07)) < 0.97


def test_over_several_metrics_the_correction_holds_the_rate() -> None:
    """Headline and six metrics; any of them separable counts."""
    generator = np.random.default_rng(3)
    scores = {f"m{index}": clustered(generator, 1, 80, 0.0) for index in range(6)}
    lineup = lineup_of([80], scores)
    every = paired_differences(Side(lineup, range(PAIRS)), Side(lineup, range(PAIRS, 2 * PAIRS)), list(scores))
    p = np.stack([each.p for each in every])
    assert p.shape == (7, PAIRS)
    assert np.mean((p < 0.05).any(axis=0)) > 0.2
    assert np.mean([(holm(column) <= 0.05).any() for column in p.T]) < 0.075


def test_unpaired_boards_of_equal_methods_are_separated_as_seldom() -> None:
    """Each row sees pictures of its own, as two boards of other pictures do."""
    generator = np.random.default_rng(4)
    one, other = (lineup_of([80], {"m": generator.normal(0.5, 0.5, size=(PAIRS, 80))}) for _ in range(2))
    rows = range(PAIRS)
    p = next(each.p for each in unpaired_differences(Side(one, rows), Side(other, rows), ["m"]) if each.measure == "m")
    assert 0.02 < np.mean(p < 0.05) < 0.09
