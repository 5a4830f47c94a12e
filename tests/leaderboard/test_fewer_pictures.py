"""Rows that have scores of some pictures only, beside rows that have them of all."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from peephole.leaderboard.board import board
from peephole.leaderboard.bootstrap import percentile_interval, resample_weights
from peephole.leaderboard.cells import Cell
from peephole.leaderboard.pairing import paired_p_values
from peephole.leaderboard.resamples import means
from peephole.leaderboard.scores import score_table

Make = Callable[..., Cell]
SELECTION = np.arange(60) < 20
FEW = (np.arange(60) < 5) | ((np.arange(60) >= 20) & (np.arange(60) < 30))
"""A quarter of the selection and of the reported pictures, the first ones."""


def keep(cell: Cell, scored: NDArray[np.bool_]) -> Cell:
    """The cell with scores of some pictures only."""
    return replace(
        cell,
        scored=scored,
        value=np.where(scored, cell.value, np.nan),
        chance=np.where(scored, cell.chance, np.nan),
        best=np.where(scored, cell.best, np.nan),
        valid=cell.valid | ~scored,
    )


def cells_of(cell_of: Make, method: str, pictures: NDArray[np.float64], **facts: object) -> list[Cell]:
    """Cells of one layer of a method under two triggers and two seeds, from scores ``[4,60]``."""
    conditions = [("square", "completeness"), ("x", "fine_grained")]
    return [
        cell_of(
            pictures[2 * index + seed],
            **{"method": method, "trigger": trigger, "seed": seed, "metric": metric, "selection": SELECTION, **facts},
        )
        for index, (trigger, metric) in enumerate(conditions)
        for seed in (0, 1)
    ]


@pytest.fixture
def hard() -> NDArray[np.float64]:
    return np.random.default_rng(0).normal(0.5, 0.2, size=(4, 60))


def noise(seed: int, scale: float = 0.02) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(0, scale, size=(4, 60))


def row(frame: pd.DataFrame, method: str, layer: str = "input") -> pd.Series:
    return frame[(frame["method"] == method) & (frame["layer"] == layer)].iloc[0]


def only(cells: Sequence[Cell], scored: NDArray[np.bool_]) -> list[Cell]:
    """The cells as if there were no other pictures."""
    names = ("value", "chance", "best", "valid", "selection", "scored")
    return [replace(cell, **{name: getattr(cell, name)[scored] for name in names}) for cell in cells]


def test_a_score_is_the_mean_over_the_pictures_that_there_are(cell_of: Make, hard: NDArray[np.float64]) -> None:
    part = [keep(cell, FEW) for cell in cells_of(cell_of, "part", hard)]
    whole = cells_of(cell_of, "whole", hard)
    found = row(board([*whole, *part]), "part")
    alone = row(board(only(part, FEW)), "part")
    assert found["score"] == pytest.approx(alone["score"], abs=1e-12)
    assert found["completeness"] == pytest.approx(alone["completeness"], abs=1e-12)
    assert (found["n"], row(board(whole), "whole")["n"]) == (40, 160)
    # Other draws, the same distribution: the interval's ends are quantiles of 2,000 resamples.
    width = alone["score_hi"] - alone["score_lo"]
    assert found["score_hi"] - found["score_lo"] == pytest.approx(width, rel=0.1)
    assert found["score_lo"] == pytest.approx(alone["score_lo"], abs=0.1 * width)


def test_the_score_table_agrees(cell_of: Make, hard: NDArray[np.float64]) -> None:
    part = [keep(cell, FEW) for cell in cells_of(cell_of, "part", hard)][:1]
    found, table = row(board(part), "part"), score_table(part).iloc[0]
    assert (table["n"], table["n_invalid"]) == (10, 0)
    assert table["value"] == pytest.approx(hard[0][FEW & ~SELECTION].mean())
    assert table["chance"] == pytest.approx(0.25)
    names = ("completeness", "completeness_lo", "completeness_hi")
    assert [table["value"], table["lo"], table["hi"]] == pytest.approx([found[name] for name in names])
    weights = resample_weights([40], "square", scored=FEW[~SELECTION])
    assert (table["lo"], table["hi"]) == pytest.approx(percentile_interval(weights @ hard[0][~SELECTION]))


def test_other_rows_do_not_notice(cell_of: Make, hard: NDArray[np.float64]) -> None:
    others = [*cells_of(cell_of, "a", hard + noise(1)), *cells_of(cell_of, "b", hard - 0.1 + noise(2))]
    part = [keep(cell, FEW) for cell in cells_of(cell_of, "part", hard - 0.3)]
    together = board([*others, *part])
    pd.testing.assert_frame_equal(together[together["method"] != "part"], board(others))


def test_a_row_is_compared_on_the_pictures_that_both_have(cell_of: Make, hard: NDArray[np.float64]) -> None:
    """The first pictures are harder. On them alone, the row with few is the better one by far."""
    hard = hard - np.where(FEW, 0.3, 0.0)
    whole = cells_of(cell_of, "whole", hard)
    part = [keep(cell, FEW) for cell in cells_of(cell_of, "part", hard + 0.1 + noise(1, 0.01))]
    frame = board([*whole, *part])
    assert frame["method"].tolist() == ["whole", "part"], "means over other pictures say otherwise"
    assert frame["tie_group"].tolist() == [1, 1], "which is not held to be shown"
    easier = [keep(cell, FEW) for cell in cells_of(cell_of, "part", hard + 0.4 + noise(1, 0.01))]
    frame = board([*whole, *easier])
    assert frame["method"].tolist() == ["part", "whole"]
    assert frame["tie_group"].tolist() == [1, 2]


def test_the_same_method_with_fewer_pictures_ties_with_itself(cell_of: Make) -> None:
    """Where pictures differ much, the two scores do; the difference on the shared pictures is exactly nothing."""
    hard = np.random.default_rng(5).normal(0.5, 0.1, size=(4, 60)) - np.where(FEW, 0.4, 0.0)
    whole = cells_of(cell_of, "whole", hard)
    part = [keep(replace(cell, method="part"), FEW) for cell in whole]
    frame = board([*whole, *part])
    assert row(frame, "whole")["score"] > row(frame, "part")["score"] + 0.2
    assert frame["tie_group"].tolist() == [1, 1]


def test_two_rows_with_different_pictures_cannot_be_told_apart(cell_of: Make, hard: NDArray[np.float64]) -> None:
    other = SELECTION | ~FEW
    first = [keep(cell, FEW) for cell in cells_of(cell_of, "first", hard)]
    second = [keep(cell, other) for cell in cells_of(cell_of, "second", hard - 5)]
    assert board([*first, *second])["tie_group"].tolist() == [1, 1]


def test_the_layer_is_chosen_on_the_selection_pictures_that_there_are(cell_of: Make, hard: NDArray[np.float64]) -> None:
    """Layer ``low`` is the better one on the selection pictures that are scored, ``high`` on all others."""
    better = FEW & SELECTION
    low = cells_of(cell_of, "part", hard + np.where(better, 0.3, -0.3), layer="low")
    high = cells_of(cell_of, "part", hard, layer="high")
    frame = board([keep(cell, FEW) for cell in [*low, *high]])
    assert row(frame, "part", "low")["best_layer"]
    assert not row(frame, "part", "high")["best_layer"]
    whole = board([*low, *high])
    assert row(whole, "part", "high")["best_layer"]


def test_a_row_that_lacks_a_model_has_no_score_still(cell_of: Make, hard: NDArray[np.float64]) -> None:
    whole = cells_of(cell_of, "whole", hard)
    part = [keep(cell, FEW) for cell in cells_of(cell_of, "part", hard)][1:]
    found = row(board([*whole, *part]), "part")
    assert pd.isna(found[["score", "rank", "tie_group", "completeness"]]).all()
    assert found["fine_grained"] == pytest.approx(hard[2:, FEW & ~SELECTION].mean())


def test_means_are_over_models_first_and_over_scored_pictures() -> None:
    nan = float("nan")
    scores = np.array([[1.0, nan, 4.0, 6.0, nan], [1.0, 2.0, nan, nan, nan]])
    assert means(scores, [2, 3])[0] == (1 + 5) / 2
    assert np.isnan(means(scores, [2, 3])[1])


def test_intervals_cover_and_pairs_are_told_apart_at_their_rate() -> None:
    """Equal methods, one of them with a quarter of the pictures: told apart about one time in twenty."""
    generator = np.random.default_rng(8)
    kept = np.arange(80) < 20
    weights = resample_weights([80], scored=kept)
    apart, inside = [], []
    for _ in range(300):
        pictures = generator.normal(0, 1, size=(2, 80))
        resampled = pictures @ weights.T
        low, high = percentile_interval(resampled)
        inside.append(low[0] <= 0 <= high[0])
        apart.append(paired_p_values(pictures[:, kept].mean(axis=1), resampled)[0, 1] < 0.05)
    assert 0.88 < np.mean(inside) < 0.98
    assert np.mean(apart) < 0.12
