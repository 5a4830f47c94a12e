"""The leaderboard on synthetic cells."""

import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from peephole.errors import PeepholeError
from peephole.leaderboard.board import board
from peephole.leaderboard.bootstrap import resample_weights
from peephole.leaderboard.cells import Cell
from peephole.leaderboard.parts import HEADLINE
from peephole.leaderboard.scores import score_table

METRIC = {"square": "completeness", "x": "fine_grained", "class_pair": "class_sensitivity"}
SELECTION = np.arange(40) < 10
Make = Callable[..., Cell]


def make_cells(
    cell_of: Make,
    skill: Mapping[tuple[str, str], float],
    triggers: Sequence[str] = ("square", "x"),
    seeds: Sequence[int] = (0, 1),
    **facts: object,
) -> list[Cell]:
    """Cells of rows (method, layer) with the given mean score; pictures are as hard for every row."""
    generator = np.random.default_rng(0)
    cells = []
    for trigger in triggers:
        for seed in seeds:
            hard = generator.normal(0, 0.1, size=len(SELECTION))
            chance = generator.uniform(0.1, 0.3, size=len(SELECTION))
            for (method, layer), mean in skill.items():
                cells.append(
                    cell_of(
                        mean + hard + generator.normal(0, 0.02, size=len(SELECTION)),
                        **{"chance": chance, "trigger": trigger, "seed": seed, "metric": METRIC[trigger]}
                        | {"method": method, "layer": layer, "selection": SELECTION, **facts},
                    )
                )
    return cells


SKILL = {("a", "input"): 0.8, ("a", "layer1"): 0.6, ("b", "input"): 0.4, ("oracle", ""): 0.95}


def row_of(frame: pd.DataFrame, method: str, layer: str) -> pd.Series:
    return frame[(frame["method"] == method) & (frame["layer"] == layer)].iloc[0]


def test_columns_stand_in_their_order(cell_of: Make) -> None:
    assert list(board(make_cells(cell_of, SKILL)).columns) == [
        "method",
        "kind",
        "layer",
        "best_layer",
        "score",
        "score_lo",
        "score_hi",
        "rank",
        "rank_interval",
        "tie_group",
        "completeness",
        "completeness_lo",
        "completeness_hi",
        "fine_grained",
        "fine_grained_lo",
        "fine_grained_hi",
        "n",
        "n_valid",
        "n_invalid",
        "ms_per_image",
        "passes",
        "pareto",
        "score_of",
        "core_metrics",
        "lower_is_better",
        "suite",
        "suite_version",
        "submission",
        "method_digest",
        "data_digest",
        "peephole_version",
        "torch_version",
        "device",
        "dtype",
        "dirty",
        "models_digest",
    ]


def test_the_score_table_shows_its_formula() -> None:
    assert "(value - chance) / mean(best - chance)" in HEADLINE


def test_score_intervals_are_those_of_clustered_resamples(cell_of: Make) -> None:
    cells = make_cells(cell_of, SKILL)
    resampled = 0.0
    for trigger in ("square", "x"):
        own = [cell for cell in cells if (cell.method, cell.layer, cell.trigger) == ("a", "input", trigger)]
        scores = [(cell.value - cell.chance) / (1 - cell.chance[~SELECTION].mean()) for cell in own]
        pictures = np.concatenate([each[~SELECTION] for each in scores])
        resampled = resampled + resample_weights([30, 30], trigger) @ pictures / 2
    row = row_of(board(cells), "a", "input")
    assert [row["score_lo"], row["score_hi"]] == pytest.approx(np.quantile(resampled, [0.025, 0.975]).tolist())


def test_a_metric_that_gets_lower_counts_the_other_way(cell_of: Make) -> None:
    chance, good, bad = np.full(20, 0.5), np.full(20, 0.1), np.full(20, 0.6)
    facts = {"chance": chance, "direction": "lower", "best": 0.0, "metric": "lerf"}
    frame = board([cell_of(bad, method="bad", **facts), cell_of(good, method="good", **facts)])
    assert frame["method"].tolist() == ["good", "bad"]
    assert frame["score"].tolist() == pytest.approx([0.8, -0.2])
    assert frame["lerf"].tolist() == pytest.approx([0.1, 0.6])
    assert frame["lower_is_better"].tolist() == ["lerf", "lerf"]


def test_metric_columns_agree_with_the_score_table(cell_of: Make) -> None:
    cells = make_cells(cell_of, SKILL, seeds=[3])
    frame, table = board(cells), score_table(cells)
    for method, layer in SKILL:
        row = row_of(frame, method, layer)
        for metric in ("completeness", "fine_grained"):
            cell = row_of(table[table["metric"] == metric], method, layer)
            assert [row[metric], row[f"{metric}_lo"], row[f"{metric}_hi"]] == pytest.approx(
                [cell["value"], cell["lo"], cell["hi"]]
            )


def test_ranks_go_over_layers_and_calibration_rows_alike(cell_of: Make) -> None:
    frame = board(make_cells(cell_of, SKILL))
    assert list(zip(frame["method"], frame["layer"], strict=True)) == [
        ("oracle", ""),
        ("a", "input"),
        ("a", "layer1"),
        ("b", "input"),
    ]
    assert frame["rank"].tolist() == frame["tie_group"].tolist() == [1, 2, 3, 4]
    assert frame["rank_interval"].tolist() == ["1", "2", "3", "4"]


def test_identical_methods_tie_and_a_better_one_does_not(cell_of: Make) -> None:
    cells = make_cells(cell_of, {("a", ""): 0.5, ("best", ""): 0.6})
    twins = [
        cell_of(
            cell.value,
            **{"method": "twin", "layer": "", "trigger": cell.trigger, "seed": cell.seed, "metric": cell.metric}
            | {"chance": cell.chance, "selection": SELECTION},
        )
        for cell in cells
        if cell.method == "a"
    ]
    frame = board([*cells, *twins])
    assert frame["method"].tolist() == ["best", "a", "twin"]
    assert frame["rank"].tolist() == [1, 2, 2]
    assert frame["tie_group"].tolist() == [1, 2, 2]
    assert frame["rank_interval"].tolist() == ["1", "2", "2"]


def test_seeds_that_disagree_widen_the_interval(cell_of: Make) -> None:
    """Six models of which every second one is explained badly: pictures alone would not show that."""
    pictures = np.random.default_rng(0).normal(0, 0.05, size=(6, 40))
    even = [cell_of(0.5 + pictures[seed], seed=seed) for seed in range(6)]
    uneven = [cell_of(0.3 + 0.4 * (seed % 2) + pictures[seed], seed=seed) for seed in range(6)]
    narrow, wide = (board(cells).iloc[0] for cells in (even, uneven))
    assert narrow["score"] == pytest.approx(wide["score"])
    assert wide["score_hi"] - wide["score_lo"] > 5 * (narrow["score_hi"] - narrow["score_lo"])


def test_provenance_is_told_once_where_models_agree_and_in_full_where_not(cell_of: Make) -> None:
    cells = make_cells(cell_of, SKILL, seeds=[0], torch_version="2.1", weights_digest="w0")
    alike = board([*cells, *make_cells(cell_of, SKILL, seeds=[1], torch_version="2.1", weights_digest="w1")])
    assert set(alike["torch_version"]) == {"2.1"}
    assert alike["models_digest"].nunique() == 1
    mixed = board([*cells, *make_cells(cell_of, SKILL, seeds=[1], torch_version="2.2", weights_digest="w2")])
    assert set(mixed["torch_version"]) == {"2.1; 2.2"}
    assert set(mixed["models_digest"]).isdisjoint(alike["models_digest"])


def test_uncertified_models_do_not_enter(cell_of: Make) -> None:
    good = make_cells(cell_of, SKILL, seeds=[0])
    spoilt = make_cells(cell_of, {row: 1 - mean for row, mean in SKILL.items()}, seeds=[7], certified=False)
    pd.testing.assert_frame_equal(board([*good, *spoilt]), board(good))


def test_without_a_certified_model_rows_are_empty(cell_of: Make) -> None:
    frame = board(make_cells(cell_of, SKILL, certified=False))
    assert len(frame) == len(SKILL)
    assert frame[["score", "score_lo", "score_hi", "rank", "tie_group"]].isna().all(axis=None)
    assert frame[["completeness", "fine_grained_hi"]].isna().all(axis=None)
    assert frame["rank_interval"].tolist() == [""] * 4
    assert frame["n"].tolist() == [0] * 4
    assert frame["ms_per_image"].tolist() == [2.0] * 4


def test_a_failed_cell_costs_the_rank_and_leaves_the_others_alone(cell_of: Make) -> None:
    cells = make_cells(cell_of, SKILL)
    lost = [
        cell for cell in cells if (cell.method, cell.layer, cell.trigger, cell.seed) != ("a", "layer1", "square", 1)
    ]
    frame = board(lost)
    row = frame.iloc[-1]
    assert (row["method"], row["layer"], row["rank_interval"]) == ("a", "layer1", "")
    assert pd.isna(row[["score", "score_lo", "rank", "tie_group", "completeness"]]).all()
    assert row["fine_grained"] == pytest.approx(0.6, abs=0.1)
    assert row["n"] == 90
    without = board([cell for cell in cells if (cell.method, cell.layer) != ("a", "layer1")])
    pd.testing.assert_frame_equal(frame.iloc[:-1], without)
    assert not row["best_layer"], "a layer that cannot be scored is not the best one"
    assert row_of(frame, "a", "input")["best_layer"]


def test_metrics_that_are_not_core_are_shown_and_do_not_count(cell_of: Make) -> None:
    cells = make_cells(cell_of, SKILL, triggers=["square"])
    extra = [
        cell_of(
            1 - cell.value,
            **{"method": cell.method, "layer": cell.layer, "seed": cell.seed, "metric": "auprc"}
            | {"core": False, "selection": SELECTION},
        )
        for cell in cells
        if cell.method != "b"
    ]
    frame, plain = board([*cells, *extra]), board(cells)
    pd.testing.assert_frame_equal(frame.drop(columns=["auprc", "auprc_lo", "auprc_hi"]), plain)
    assert set(frame["core_metrics"]) == {"completeness"}
    assert set(frame["score_of"]) == {"square: completeness"}
    assert frame["auprc"].isna().tolist() == [False, False, False, True]
    assert list(frame.columns).index("auprc") > list(frame.columns).index("completeness")


def changed(cells: Sequence[Cell], cell_of: Make, where: NDArray[np.bool_], rows: Mapping[str, float]) -> list[Cell]:
    """The same cells with some layers of method ``a`` shifted on some pictures."""
    return [
        cell_of(
            cell.value + np.where(where, rows.get(cell.layer, 0.0) if cell.method == "a" else 0.0, 0.0),
            **{name: getattr(cell, name) for name in ("trigger", "seed", "method", "layer", "metric")}
            | {"chance": cell.chance, "selection": cell.selection},
        )
        for cell in cells
    ]


def test_selection_pictures_choose_the_layer_and_nothing_else(cell_of: Make) -> None:
    cells = make_cells(cell_of, SKILL)
    frame = board(cells)
    assert row_of(frame, "a", "input")["best_layer"]
    assert not row_of(frame, "a", "layer1")["best_layer"]
    assert row_of(frame, "b", "input")["best_layer"]
    other = board(changed(cells, cell_of, SELECTION, {"layer1": 0.5}))
    assert row_of(other, "a", "layer1")["best_layer"]
    assert not row_of(other, "a", "input")["best_layer"]
    pd.testing.assert_frame_equal(other.drop(columns="best_layer"), frame.drop(columns="best_layer"))


def test_reported_pictures_do_not_choose_the_layer(cell_of: Make) -> None:
    cells = make_cells(cell_of, SKILL)
    other = board(changed(cells, cell_of, ~SELECTION, {"layer1": 0.5, "input": -0.5}))
    assert other.iloc[0]["layer"] == "layer1"
    assert row_of(other, "a", "input")["best_layer"]


def test_without_selection_pictures_only_single_layers_are_marked(cell_of: Make) -> None:
    frame = board(make_cells(cell_of, SKILL, selection=np.zeros(40, dtype=np.bool_)))
    assert frame[frame["best_layer"]]["method"].tolist() == ["oracle", "b"]
    assert frame["rank"].tolist() == [1, 2, 3, 4]


def test_counts_and_costs(cell_of: Make) -> None:
    cells = make_cells(cell_of, {("a", ""): 0.5}, valid=np.arange(40) % 4 != 0)
    oracle = make_cells(cell_of, {("oracle", ""): 0.9}, kind="calibration", ms_per_image=float("nan"))
    frame = board([*cells, *oracle])
    assert frame["kind"].tolist() == ["calibration", "method"]
    assert frame["n"].tolist() == [120, 120]
    assert frame["n_invalid"].tolist() == [0, 28]
    assert frame["n_valid"].tolist() == [120, 92]
    assert frame["passes"].tolist() == [1.0, 1.0]
    assert frame["ms_per_image"].isna().tolist() == [True, False]


def test_the_order_of_cells_does_not_change_numbers(cell_of: Make) -> None:
    cells = make_cells(cell_of, SKILL)
    pd.testing.assert_frame_equal(board(cells[::-1]), board(cells))


def test_one_reported_picture_ranks_nobody_above_another(cell_of: Make) -> None:
    frame = board([cell_of([0.3], method="a"), cell_of([0.9], method="b")])
    assert frame["method"].tolist() == ["b", "a"]
    assert frame["rank_interval"].tolist() == ["1–2", "1–2"]
    assert frame["tie_group"].tolist() == [1, 1]
    assert frame[["score_lo", "score_hi"]].isna().all(axis=None)


def test_no_cells_make_an_empty_board() -> None:
    frame = board([])
    assert len(frame) == 0
    assert {"method", "score", "rank", "suite_version"} <= set(frame.columns)


@pytest.mark.parametrize("facts", [{"suite": "other"}, {"suite_version": "v2"}, {"dataset": "d"}, {"model": "m"}])
def test_rows_of_several_subjects_are_refused(cell_of: Make, facts: Mapping[str, object]) -> None:
    with pytest.raises(PeepholeError, match="2 subjects"):
        board([cell_of([0.5, 0.6]), cell_of([0.5, 0.6], method="b", **facts)])


def test_a_thousand_rows_are_a_matter_of_seconds(cell_of: Make) -> None:
    """About 1.3 s of one core; the bound is loose for slow machines, and tight for a loop over resamples or pairs."""
    generator = np.random.default_rng(0)
    selection = np.arange(200) < 50
    cells = [
        cell_of(
            generator.random(200), trigger=trigger, metric=metric, method=f"m{m}", layer=f"l{k}", selection=selection
        )
        for trigger, metric in METRIC.items()
        for m in range(100)
        for k in range(10)
    ]
    start = time.process_time()
    frame = board(cells)
    assert time.process_time() - start < 10
    assert len(frame) == 1000
