"""What an interval says of a threshold."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peephole.leaderboard.verdict import Criterion, Verdict, joined

NUMBERS = st.floats(-10, 10)


@pytest.mark.parametrize(
    ("criterion", "low", "high", "verdict"),
    [
        (Criterion("above", 0.3), 0.31, 0.9, "holds"),
        (Criterion("above", 0.3), 0.3, 0.9, "not separable"),
        (Criterion("above", 0.3), -1.0, 0.3, "fails"),
        (Criterion("below", -0.3), -0.9, -0.31, "holds"),
        (Criterion("below", -0.3), -0.9, 0.0, "not separable"),
        (Criterion("below", -0.3), -0.3, 0.0, "fails"),
        (Criterion("within", 0.3), -0.29, 0.29, "holds"),
        (Criterion("within", 0.3), -0.1, 0.31, "not separable"),
        (Criterion("within", 0.3), 0.3, 0.4, "fails"),
        (Criterion("within", 0.3), -0.4, -0.3, "fails"),
        (Criterion("within", 0.3), -0.4, 0.4, "not separable"),
        (Criterion("above"), math.nan, 1.0, "not tested"),
    ],
)
def test_verdicts(criterion: Criterion, low: float, high: float, verdict: str) -> None:
    assert criterion.verdict(low, high) == verdict


@given(NUMBERS, st.tuples(NUMBERS, NUMBERS))
def test_above_and_below_mirror_each_other(threshold: float, ends: tuple[float, float]) -> None:
    low, high = sorted(ends)
    above = Criterion("above", threshold).verdict(low, high)
    assert above == Criterion("below", -threshold).verdict(-high, -low)
    if low < high:
        assert (above is Verdict.HOLDS) == (threshold < low)
        assert (above is Verdict.FAILS) == (high <= threshold)


@pytest.mark.parametrize(
    ("verdicts", "whole"),
    [
        (["holds", "holds"], "holds"),
        (["holds", "not separable"], "not separable"),
        (["holds", "not separable", "fails"], "fails"),
        (["holds", "not tested"], "holds"),
        (["not tested"], "not tested"),
        ([], "not tested"),
    ],
)
def test_joined(verdicts: list[str], whole: str) -> None:
    assert joined(map(Verdict, verdicts)) == whole


def test_criteria_are_written_as_people_write_them() -> None:
    assert [str(Criterion(side, 0.3)) for side in ("above", "below", "within")] == ["> 0.3", "< 0.3", "within ±0.3"]
