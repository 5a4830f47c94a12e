import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from peephole.datasets.draws import Draws


def test_numbers_are_the_same_for_ever():
    drawn = Draws((1, 2, 3), 2).between(0.0, 1.0, 2)
    pinned = [[0.6704722046852112, 0.11101460456848145], [0.5115090608596802, 0.35617637634277344]]
    np.testing.assert_array_equal(drawn, pinned)
    assert drawn.dtype == np.float32


def test_uniform_numbers_fill_their_range_evenly():
    drawn = Draws((5,), 1000).between(-2.0, 6.0, 50).astype(np.float64)
    assert drawn.min() >= -2
    assert drawn.max() < 6
    counts, _ = np.histogram(drawn, bins=8, range=(-2, 6))
    # Five standard deviations of a binomial count.
    assert abs(counts - 6250).max() < 5 * np.sqrt(50_000 * 7 / 64)


def test_other_keys_give_independent_numbers():
    first, second = (Draws((1, number), 5000).between(-1.0, 1.0) for number in (0, 1))
    assert abs(np.corrcoef(first, second)[0, 1]) < 5 / np.sqrt(5000)


def test_chance_is_the_share_of_true():
    assert abs(Draws((9,), 20_000).chance(0.3).mean() - 0.3) < 5 * np.sqrt(0.21 / 20_000)


@given(st.integers(0, 2**32), st.integers(1, 6), st.integers(1, 12))
def test_order_is_a_permutation_of_each_group(seed, groups, size):
    order = Draws((seed,), 1).order(groups, size).reshape(groups, size)
    np.testing.assert_array_equal(np.sort(order, axis=1), np.broadcast_to(np.arange(size), (groups, size)))


def test_orders_are_all_equally_likely():
    codes, counts = np.unique(Draws((4,), 1).order(6000, 3).reshape(-1, 3) @ [9, 3, 1], return_counts=True)
    assert len(codes) == 6
    assert abs(counts - 1000).max() < 5 * np.sqrt(6000 * 5 / 36)


def test_grain_has_mean_zero_and_variance_one():
    grain = Draws((3,), 100).grain(3, 31, 31).astype(np.float64)
    assert grain.shape == (100, 3, 31, 31)
    assert abs(grain.mean()) < 5 / np.sqrt(grain.size)
    assert abs(grain.var() - 1) < 0.02
    # Four bytes: at most 2·√(3·255/257) standard deviations away.
    assert abs(grain).max() <= 3.46
