"""What a cell refuses, and which cells may stand side by side."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from peephole.errors import PeepholeError
from peephole.leaderboard.cells import Cell, check_cells, common_level


def test_reported_pictures_are_those_not_held_apart(cell_of: Callable[..., Cell]) -> None:
    cell = cell_of([0.5, 0.6, 0.7], selection=np.array([True, False, False]))
    assert cell.reported.tolist() == [False, True, True]


def test_pictures_without_a_score_are_not_reported(cell_of: Callable[..., Cell]) -> None:
    scored, nan = np.array([True, True, False]), float("nan")
    selection = np.array([True, False, False])
    cell = cell_of([0.5, 0.6, nan], chance=np.array([0.1, 0.1, nan]), scored=scored, selection=selection)
    assert cell.reported.tolist() == [False, True, False]


@pytest.mark.parametrize(
    "facts", [{"valid": np.array([True, False])}, {"chance": np.full(2, 0.25)}, {"best": np.full(2, 1.0)}]
)
def test_nothing_is_said_of_a_picture_without_a_score(
    cell_of: Callable[..., Cell], facts: Mapping[str, object]
) -> None:
    right = {"scored": np.array([True, False]), "chance": np.array([0.25, np.nan])}
    assert cell_of([0.5, np.nan], **right).reported.tolist() == [True, False]
    with pytest.raises(PeepholeError, match="a picture that is not scored"):
        cell_of([0.5, np.nan], **right | facts)


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"chance": np.zeros(3)}, "chance is float64"),
        ({"chance": np.zeros(2, dtype=np.float32)}, "chance is float32"),
        ({"valid": np.ones(2)}, "valid is float64"),
        ({"selection": np.zeros((2, 1), dtype=np.bool_)}, "selection is bool"),
        ({"chance": np.array([0.1, np.nan])}, "NaN or infinite"),
        ({"scored": np.ones(2)}, "scored is float64"),
        ({"scored": np.array([True, False])}, "a picture that is not scored has a value"),
        ({"best": np.array([1.0, np.inf])}, "NaN or infinite"),
        ({"best": np.ones((2, 1))}, "best is float64"),
        ({"provenance": {"suite_version": "v1"}}, "provenance has"),
    ],
)
def test_bad_cells_are_refused_in_one_line(
    cell_of: Callable[..., Cell], facts: Mapping[str, object], message: str
) -> None:
    with pytest.raises(PeepholeError, match=message) as caught:
        cell_of([0.5, 0.6], **facts)
    assert "gradient/input/square/0/completeness" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_values_must_be_finite(cell_of: Callable[..., Cell]) -> None:
    with pytest.raises(PeepholeError, match="NaN or infinite"):
        cell_of([0.5, np.inf])


def test_chance_may_be_as_good_as_the_truth_on_a_picture(cell_of: Callable[..., Cell]) -> None:
    assert cell_of([0.5, 0.6], chance=np.array([0.2, 1.0])).best.tolist() == [1.0, 1.0]


def test_cells_of_different_models_need_not_agree(cell_of: Callable[..., Cell]) -> None:
    check_cells([cell_of([0.5]), cell_of([0.5, 0.6], seed=1, certified=False, model_digest="y")])
    check_cells([cell_of([0.5]), cell_of([0.5, 0.6], suite_version="v2", data_digest="y")])


def test_an_empty_digest_matches_any(cell_of: Callable[..., Cell]) -> None:
    check_cells([cell_of([0.5]), cell_of([0.5], method="oracle", kind="calibration", model_digest="")])


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({}, "1 cells occur twice"),
        ({"layer": "layer1", "data_digest": "y"}, "another data_digest"),
        ({"layer": "layer1", "model_digest": "y"}, "another model_digest"),
        ({"layer": "layer1", "certified": False}, "differ in pictures or certificate"),
        ({"layer": "layer1", "selection": np.array([True, False])}, "differ in pictures or certificate"),
        ({"layer": "layer1", "direction": "lower"}, "another direction or core"),
        ({"layer": "layer1", "core": False}, "another direction or core"),
        ({"layer": "layer1", "best": np.array([1.0, 1.0 - 1e-8])}, "differ in the best level of a picture"),
        ({"layer": "layer1", "chance": np.array([0.25 + 1e-8, 0.25])}, "differ in the chance level of a picture"),
    ],
)
def test_cells_that_do_not_fit_together_are_refused(
    cell_of: Callable[..., Cell], facts: Mapping[str, object], message: str
) -> None:
    with pytest.raises(PeepholeError, match=message):
        check_cells([cell_of([0.5, 0.6]), cell_of([0.5, 0.6], **facts)])


def test_other_numbers_of_pictures_are_refused(cell_of: Callable[..., Cell]) -> None:
    with pytest.raises(PeepholeError, match="differ in pictures"):
        check_cells([cell_of([0.5, 0.6]), cell_of([0.5, 0.6, 0.7], layer="layer1")])


def test_levels_are_compared_where_both_are_known_and_up_to_rounding(cell_of: Callable[..., Cell]) -> None:
    nan = float("nan")
    whole = cell_of([0.5, 0.6], best=np.array([0.7, 0.8]))
    part = cell_of(
        [0.5, nan],
        layer="layer1",
        scored=np.array([True, False]),
        chance=np.array([0.25 + 1e-11, nan]),
        best=np.array([0.7, nan]),
    )
    other = cell_of([0.5, 0.6], metric="restore", best=np.array([0.1, 0.2]))
    check_cells([whole, part, other])
    assert common_level([part.best, whole.best]).tolist() == [0.7, 0.8]
    assert np.isnan(common_level([part.best, part.best])).tolist() == [False, True]
