"""Holm's correction."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peephole.leaderboard.holm import holm


def slow_rejections(p: list[float], level: float) -> set[int]:
    """Step down: the smallest p against level / m, the next against level / (m - 1), until one is too large."""
    left = [index for index, each in enumerate(p) if not math.isnan(each)]
    rejected: set[int] = set()
    while left:
        smallest = min(left, key=lambda index: p[index])
        if p[smallest] > level / len(left):
            break
        rejected.add(smallest)
        left.remove(smallest)
    return rejected


@given(
    st.lists(st.one_of(st.floats(0, 1), st.just(float("nan")), st.sampled_from([0.0, 0.01, 0.02, 1.0])), max_size=12),
    st.floats(0.001, 0.5),
)
def test_what_is_rejected_is_what_the_steps_reject(p: list[float], level: float) -> None:
    corrected = holm(np.array(p, dtype=np.float64))
    sure = set(np.flatnonzero(corrected <= level * (1 - 1e-9)).tolist())
    maybe = set(np.flatnonzero(corrected <= level * (1 + 1e-9)).tolist())
    assert sure <= slow_rejections(p, level) <= maybe


def test_a_worked_example() -> None:
    p = np.array([0.01, 0.04, float("nan"), 0.03, 0.005])
    found = holm(p)
    assert np.isnan(found).tolist() == [False, False, True, False, False]
    assert found[[0, 1, 3, 4]].tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_none_and_one_and_more_than_one() -> None:
    assert len(holm(np.empty(0))) == 0
    assert holm(np.array([0.04])).tolist() == [0.04]
    assert holm(np.array([0.9, 0.8])).tolist() == [1.0, 1.0]
