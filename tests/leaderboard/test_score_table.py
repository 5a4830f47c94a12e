"""The tidy table of scores."""

from collections.abc import Callable

import numpy as np
import pytest

from peephole.errors import PeepholeError
from peephole.leaderboard.bootstrap import mean_interval
from peephole.leaderboard.cells import Cell
from peephole.leaderboard.scores import score_table

COLUMNS = [
    "suite",
    "dataset",
    "model",
    "trigger",
    "seed",
    "method",
    "layer",
    "metric",
    "value",
    "lo",
    "hi",
    "chance",
    "best",
    "direction",
    "core",
    "n",
    "n_valid",
    "n_invalid",
    "ms_per_image",
    "passes",
    "certified",
    "kind",
    "suite_version",
    "data_digest",
    "model_digest",
    "weights_digest",
    "method_digest",
    "submission",
    "peephole_version",
    "torch_version",
    "device",
    "dtype",
    "dirty",
]


def test_columns_stand_in_their_order_even_without_rows(cell_of: Callable[..., Cell]) -> None:
    assert list(score_table([]).columns) == COLUMNS
    assert list(score_table([cell_of([0.5])]).columns) == COLUMNS


def test_a_row_speaks_of_the_reported_pictures_only(cell_of: Callable[..., Cell]) -> None:
    selection = np.array([True] * 10 + [False] * 30)
    values = np.random.default_rng(0).random(40)
    valid = np.arange(40) % 5 != 0
    cell = cell_of(
        values,
        chance=np.linspace(0.1, 0.4, 40),
        selection=selection,
        valid=valid,
        data_digest="abc",
        best=np.linspace(0.8, 0.9, 40),
        passes=3.5,
        direction="lower",
    )
    row = score_table([cell]).iloc[0]
    mean, low, high = mean_interval([values[10:]], "square")
    assert (row.value, row.lo, row.hi) == pytest.approx((mean, low, high), abs=1e-12)
    assert row.chance == pytest.approx(np.linspace(0.1, 0.4, 40)[10:].mean())
    assert row.best == pytest.approx(np.linspace(0.8, 0.9, 40)[10:].mean())
    assert (row.n, row.n_valid, row.n_invalid) == (30, 24, 6)
    assert (row.direction, row.core, row.passes) == ("lower", True, 3.5)
    assert (row.data_digest, row.suite_version, row.kind, row.ms_per_image) == ("abc", "v1", "method", 2.0)
    assert row.certified


def test_cells_keep_their_order_whatever_their_size(cell_of: Callable[..., Cell]) -> None:
    cells = [cell_of(np.full(size, size / 10), seed=size, layer=f"layer{size}") for size in (4, 2, 4, 3)[1:]]
    table = score_table(cells)
    assert table["layer"].tolist() == ["layer2", "layer4", "layer3"]
    assert table["value"].tolist() == pytest.approx([0.2, 0.4, 0.3])
    assert table["lo"].tolist() == pytest.approx([0.2, 0.4, 0.3])


def test_uncertified_models_are_shown(cell_of: Callable[..., Cell]) -> None:
    table = score_table([cell_of([0.5, 0.7], certified=False)])
    assert table["certified"].tolist() == [False]
    assert table["value"].tolist() == pytest.approx([0.6])


def test_too_few_pictures_have_no_interval_or_no_mean(cell_of: Callable[..., Cell]) -> None:
    none = np.array([True, True])
    table = score_table([cell_of([0.5]), cell_of([0.5, 0.6], seed=1, selection=none)])
    assert table["n"].tolist() == [1, 0]
    assert table["value"].isna().tolist() == [False, True]
    assert table[["lo", "hi"]].isna().all(axis=None)


def test_a_cell_given_twice_is_refused(cell_of: Callable[..., Cell]) -> None:
    with pytest.raises(PeepholeError, match="occur twice"):
        score_table([cell_of([0.5]), cell_of([0.5])])
