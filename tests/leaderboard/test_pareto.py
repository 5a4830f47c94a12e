"""The front of score against cost."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peephole.leaderboard.board import board
from peephole.leaderboard.cells import Cell
from peephole.leaderboard.pareto import pareto_front

NAN = float("nan")
COST = st.sampled_from([1.0, 2.0, 3.0, NAN])


def slow_front(rows: list[tuple[float, float, float]]) -> list[bool]:
    """Each row against each other one."""

    def beats(one: tuple[float, float, float], other: tuple[float, float, float]) -> bool:
        unit = 1 if not math.isnan(one[1]) and not math.isnan(other[1]) else 2
        if math.isnan(one[0]) or math.isnan(one[unit]) or math.isnan(other[unit]):
            return False
        score, others = round(one[0], 6), round(other[0], 6)
        if score < others or one[unit] > other[unit]:
            return False
        return score > others or one[unit] < other[unit]

    return [
        not math.isnan(row[0])
        and not (math.isnan(row[1]) and math.isnan(row[2]))
        and not any(beats(other, row) for other in rows)
        for row in rows
    ]


@settings(max_examples=300)
@given(st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.2 + 1e-9, 0.3, NAN]), COST, COST), max_size=8))
def test_the_front_equals_the_slow_one(rows: list[tuple[float, float, float]]) -> None:
    columns = np.array(rows, dtype=np.float64).reshape(-1, 3).T
    assert pareto_front(*columns).tolist() == slow_front(rows)


def test_a_dearer_method_must_be_better() -> None:
    score, passes = np.array([0.5, 0.4, 0.6, 0.6]), np.array([2.0, 3.0, 9.0, 10.0])
    assert pareto_front(score, passes, np.full(4, NAN)).tolist() == [True, False, True, False]


def test_milliseconds_stand_in_where_passes_are_not_known() -> None:
    score, ms = np.array([0.5, 0.4]), np.array([2.0, 1.0])
    assert pareto_front(score, np.array([1.0, 2.0]), ms).tolist() == [True, False]
    assert pareto_front(score, np.array([1.0, NAN]), ms).tolist() == [True, True]
    assert pareto_front(score, np.array([1.0, NAN]), np.array([NAN, 1.0])).tolist() == [True, True]


def test_without_rows_or_costs_there_is_no_front() -> None:
    assert pareto_front(np.empty(0), np.empty(0), np.empty(0)).tolist() == []
    assert pareto_front(np.array([0.5]), np.array([NAN]), np.array([NAN])).tolist() == [False]
    assert pareto_front(np.array([NAN]), np.array([1.0]), np.array([1.0])).tolist() == [False]


def test_the_board_marks_methods_at_their_best_layers(cell_of: Callable[..., Cell]) -> None:
    selection = np.arange(20) < 5
    noise = np.random.default_rng(0).normal(0, 0.02, size=20)
    rows = [
        ("cheap", "input", 0.4, 1.0, "method"),
        ("cheap", "layer1", 0.3, 1.0, "method"),  # not the best layer
        ("dear", "input", 0.6, 5.0, "method"),
        ("waste", "input", 0.5, 6.0, "method"),
        ("oracle", "input", 1.0, NAN, "calibration"),
        ("free", "input", 0.9, 0.0, "calibration"),  # whatever it costs
    ]
    frame = board(
        [
            cell_of(mean + noise, method=method, layer=layer, passes=passes, kind=kind, selection=selection)
            for method, layer, mean, passes, kind in rows
        ]
    )
    assert set(frame[frame["pareto"]]["method"]) == {"cheap", "dear"}
    assert frame["pareto"].sum() == 2


@pytest.mark.parametrize("facts", [{"certified": False}, {"passes": NAN, "ms_per_image": NAN}])
def test_boards_without_scores_or_costs_have_no_front(cell_of: Callable[..., Cell], facts: dict[str, object]) -> None:
    frame = board([cell_of([0.3, 0.4], method=method, **facts) for method in "ab"])
    assert frame["pareto"].tolist() == [False, False]
    assert board([])["pareto"].tolist() == []
