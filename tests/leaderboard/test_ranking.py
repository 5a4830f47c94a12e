"""Ranks, rank intervals and tie groups on synthetic scores."""

from itertools import combinations
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from peephole.leaderboard.bootstrap import resample_weights
from peephole.leaderboard.pairing import paired_p_values
from peephole.leaderboard.ranking import competition_ranks, rank_intervals, rank_text, tie_groups


def resampled(pictures: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return pictures.mean(axis=1), pictures @ resample_weights([pictures.shape[1]]).T


def groups(score: NDArray[np.float64], samples: NDArray[np.float64]) -> NDArray[np.int64]:
    return tie_groups(score, paired_p_values(score, samples))


@given(st.lists(st.lists(st.integers(0, 4), min_size=5, max_size=5), min_size=1, max_size=4))
def test_ranks_count_the_strictly_better(rows: list[list[int]]) -> None:
    expected = [[1 + sum(other > score for other in row) for score in row] for row in rows]
    assert competition_ranks(np.array(rows, dtype=np.float64) / 7).tolist() == expected


def test_rounding_noise_is_no_difference() -> None:
    # Two rules that are the same at a layer differ by single precision's rounding, here 3e-9.
    assert competition_ranks(np.array([0.1 + 0.2, 0.3, 0.3 - 3e-9, 0.3 - 1e-5])).tolist() == [1, 1, 1, 4]


def test_rank_intervals_are_order_statistics_of_the_ranks() -> None:
    pictures = np.random.default_rng(0).normal(0, 1, size=(6, 40)) + np.linspace(0.6, 0, 6)[:, None]
    score, samples = resampled(pictures)
    best, worst = rank_intervals(score, samples)
    for row in range(6):
        ranks = sorted(1 + sum(samples[other, b] > samples[row, b] for other in range(6)) for b in range(2000))
        inside = sum(best[row] <= rank <= worst[row] for rank in ranks)
        assert inside >= 0.95 * 2000
        assert sum(rank < best[row] for rank in ranks) <= 50
        assert sum(rank > worst[row] for rank in ranks) <= 50
    assert (best <= competition_ranks(score)).all()
    assert (competition_ranks(score) <= worst).all()
    assert (best < worst).any()


@pytest.mark.parametrize(("swaps", "worst"), [(0, 1), (40, 1), (60, 2)])
def test_rank_intervals_leave_out_what_happens_seldom(swaps: int, worst: int) -> None:
    samples = np.repeat([[1.0], [0.0]], 2000, axis=1)
    samples[:, :swaps] = samples[::-1, :swaps]
    best, last = rank_intervals(np.array([1.0, 0.0]), samples)
    assert (best[0], last[0]) == (1, worst)


def test_rank_intervals_take_in_the_observed_rank() -> None:
    best, worst = rank_intervals(np.array([0.2, 0.1]), np.repeat([[0.1], [0.2]], 2000, axis=1))
    assert best.tolist() == [1, 1]
    assert worst.tolist() == [2, 2]


def test_well_separated_rows_have_one_rank() -> None:
    pictures = np.random.default_rng(0).normal(0, 0.1, size=(4, 50)) + np.array([[3.0], [1.0], [2.0], [0.0]])
    best, worst = rank_intervals(*resampled(pictures))
    assert best.tolist() == worst.tolist() == [1, 3, 2, 4]
    assert groups(*resampled(pictures)).tolist() == [1, 3, 2, 4]


def test_rank_intervals_cover_the_true_rank() -> None:
    generator = np.random.default_rng(5)
    mean = np.array([0.5, 0.4, 0.3, 0.2, 0.1])
    inside = []
    for _ in range(100):
        best, worst = rank_intervals(*resampled(mean[:, None] + generator.normal(0, 0.5, size=(5, 60))))
        inside.append((best <= np.arange(1, 6)) & (np.arange(1, 6) <= worst))
    assert np.mean(inside) > 0.93


def test_rank_text() -> None:
    assert rank_text(2, 4) == "2–4"
    assert rank_text(3, 3) == "3"


def test_identical_rows_tie_and_a_clearly_better_one_does_not() -> None:
    generator = np.random.default_rng(1)
    common = generator.normal(0.5, 0.2, size=50)
    pictures = np.stack([common, common, common + 0.2 + generator.normal(0, 0.05, size=50)])
    score, samples = resampled(pictures)
    assert groups(score, samples).tolist() == [2, 2, 1]
    assert competition_ranks(score).tolist() == [2, 2, 1]


def test_pairing_tells_rows_apart_that_intervals_of_their_own_do_not() -> None:
    generator = np.random.default_rng(2)
    hard = generator.normal(0.5, 0.3, size=60)
    pictures = np.stack([hard, hard - 0.02 + generator.normal(0, 0.01, size=60)])
    score, samples = resampled(pictures)
    low, high = np.quantile(samples, [0.025, 0.975], axis=1)
    assert low[0] < high[1], "the two intervals overlap"
    assert groups(score, samples).tolist() == [1, 2]


def test_rows_without_spread_are_told_apart_by_any_difference() -> None:
    pictures = np.repeat([[1.0], [0.0], [1.0], [0.5]], 30, axis=1)
    assert groups(*resampled(pictures)).tolist() == [1, 3, 1, 2]


def slow_groups(score: NDArray[np.float64], samples: NDArray[np.float64]) -> list[int]:
    """The walk, with differences taken one by one and quantiles in place of p-values."""
    pairs = list(combinations(range(len(score)), 2))
    ratio = {(a, b): abs(score[a] - score[b]) / np.std(samples[a] - samples[b], ddof=1) for a, b in pairs}
    apart = set()
    for step, pair in enumerate(sorted(pairs, key=lambda pair: -ratio[pair])):
        if ratio[pair] < NormalDist().inv_cdf(1 - 0.05 / (2 * (len(pairs) - step))):
            break
        apart |= {pair, pair[::-1]}
    order = sorted(range(len(score)), key=lambda row: -score[row])
    leader, group = order[0], {order[0]: 1}
    for row in order[1:]:
        if (leader, row) in apart:
            group[row] = group[leader] + 1
            leader = row
        else:
            group[row] = group[leader]
    return [group[row] for row in range(len(score))]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), spread=st.floats(0.05, 2.0))
def test_groups_equal_the_slow_walk(seed: int, spread: float) -> None:
    generator = np.random.default_rng(seed)
    pictures = generator.normal(0, 1, size=(8, 30)) + spread * generator.normal(0, 1, size=(8, 1))
    score, samples = resampled(pictures)
    assert groups(score, samples).tolist() == slow_groups(score, samples)


def test_equal_methods_are_seldom_split() -> None:
    generator = np.random.default_rng(6)
    split = [groups(*resampled(generator.normal(0, 1, size=(10, 80)))).max() > 1 for _ in range(200)]
    assert np.mean(split) < 0.1


@pytest.mark.parametrize("rows", [0, 1])
def test_boards_of_no_row_and_one(rows: int) -> None:
    score, samples = np.zeros(rows), np.random.default_rng(0).normal(size=(rows, 2000))
    assert groups(score, samples).tolist() == [1] * rows
    assert rank_intervals(score, samples)[1].tolist() == [1] * rows
