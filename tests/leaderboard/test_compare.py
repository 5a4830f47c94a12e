"""Two methods, two boards: differences, intervals and verdicts, derived again directly."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from peephole.errors import PeepholeError, UnknownName
from peephole.leaderboard.bootstrap import resample_weights
from peephole.leaderboard.cells import Cell
from peephole.leaderboard.compare import compare_boards, compare_rows
from peephole.leaderboard.comparison import Comparison, Report
from peephole.leaderboard.holm import holm
from peephole.leaderboard.picture_file import PICTURES
from peephole.leaderboard.row_names import find_row
from peephole.leaderboard.stored_board import StoredBoard, open_board
from peephole.leaderboard.tables import LEADERBOARD, SCORES

Make = Callable[..., Cell]
Put = Callable[..., Path]
SIZE, HELD = 40, 10
SELECTION = np.arange(SIZE) < HELD
METRICS = {"completeness": ("square", "higher"), "restore": ("wanet", "lower"), "spread": ("wanet", "higher")}
"""Metrics, ``spread`` not core, with their triggers."""
SKILL = {"good": 0.7, "fair": 0.45, "twin": 0.45, "oracle": 1.0, "random": 0.0}


def cells_of(cell_of: Make, seed: int = 0, skill: dict[str, float] = SKILL, noise: float = 0.05) -> list[Cell]:
    """Three models a trigger; rows with the given skill, pictures as hard for all of them."""
    generator = np.random.default_rng(seed)
    cells = []
    for metric, (trigger, direction) in METRICS.items():
        sign = 1.0 if direction == "higher" else -1.0
        for model in range(3):
            chance = generator.uniform(0.2, 0.4, size=SIZE)
            best = chance + sign * generator.uniform(0.3, 0.6, size=SIZE)
            hard = generator.normal(0, 0.2, size=SIZE)
            for method, mean in skill.items():
                lead = (best - chance) * (mean + hard * (0 < mean < 1))
                value = chance + lead + generator.normal(0, noise, size=SIZE) * (mean < 1)
                calibration = method in ("oracle", "random")
                facts = {"trigger": trigger, "seed": model, "metric": metric, "direction": direction, "best": best}
                facts |= {"chance": chance, "core": metric != "spread", "selection": SELECTION, "method": method}
                facts |= {"kind": "calibration"} if calibration else {}
                facts |= {"model_digest": f"{trigger}-{model}", "data_digest": "d"}
                cells.append(cell_of(value, **facts))
    return cells


def by_measure(report: Report, pair: int = 0) -> dict[str, Comparison]:
    return {each.measure: each for each in report.pairs[pair].comparisons}


def corrected(cells: Sequence[Cell], method: str, metric: str) -> NDArray[np.float64]:
    """(value - chance) / D of the reported pictures, model after model."""
    own = [cell for cell in cells if (cell.method, cell.metric) == (method, metric)]
    return np.concatenate([((c.value - c.chance) / (c.best - c.chance)[HELD:].mean())[HELD:] for c in own])


def raw(cells: Sequence[Cell], method: str, metric: str) -> NDArray[np.float64]:
    own = [cell for cell in cells if (cell.method, cell.metric) == (method, metric)]
    return np.concatenate([cell.value[HELD:] for cell in own])


def rows(board: StoredBoard, *names: str) -> list[tuple[str, str, str]]:
    return [find_row(board, name) for name in names]


def test_differences_and_intervals_are_those_of_a_paired_bootstrap(cell_of: Make, put: Put) -> None:
    cells = cells_of(cell_of)
    board = open_board(put(cells))
    report = compare_rows(board, *rows(board, "good", "fair"))
    found = by_measure(report)
    assert report.how == "paired"
    assert list(found) == ["score", "completeness", "restore", "spread"]
    weights = {trigger: resample_weights([30, 30, 30], trigger) for trigger in ("square", "wanet")}
    for metric, (trigger, direction) in METRICS.items():
        apart = raw(cells, "good", metric) - raw(cells, "fair", metric)
        resampled = weights[trigger] @ apart
        assert found[metric].difference == pytest.approx(apart.mean(), abs=1e-12)
        assert [found[metric].low, found[metric].high] == pytest.approx(np.quantile(resampled, [0.025, 0.975]).tolist())
        assert found[metric].direction == direction
        assert (found[metric].difference > 0) == (direction == "higher")
    apart = sum(
        weights[trigger] @ (corrected(cells, "good", metric) - corrected(cells, "fair", metric)) / 2
        for metric, trigger in (("completeness", "square"), ("restore", "wanet"))
    )
    assert [found["score"].low, found["score"].high] == pytest.approx(np.quantile(apart, [0.025, 0.975]).tolist())
    board_score = board.summary.set_index("method")["score"]
    assert (found["score"].a, found["score"].b) == pytest.approx((board_score["good"], board_score["fair"]))
    assert {each.verdict for each in found.values()} == {"better"}
    assert {(each.n_a, each.n_b) for each in found.values()} == {(90, 90), (180, 180)}
    assert (found["score"].n_a, found["restore"].n_a) == (180, 90)


def test_p_values_are_corrected_over_all_comparisons(cell_of: Make, put: Put) -> None:
    board = open_board(put(cells_of(cell_of)))
    report = compare_boards(board, board)
    assert len(report.pairs) == 5
    every = [each for pair in compare_rows(board, *rows(board, "fair", "twin")).pairs for each in pair.comparisons]
    p = np.array([each.p for each in every])
    assert [each.p_corrected for each in every] == pytest.approx(holm(p).tolist())
    assert (p > 0).all()
    assert {each.verdict for each in every} == {"not separable"}


def test_the_other_way_round_everything_is_reversed(cell_of: Make, put: Put) -> None:
    board = open_board(put(cells_of(cell_of)))
    a, b = rows(board, "good", "fair")
    for one, other in zip(
        compare_rows(board, a, b).pairs[0].comparisons, compare_rows(board, b, a).pairs[0].comparisons, strict=True
    ):
        assert one.difference == pytest.approx(-other.difference)
        assert (one.low, one.high) == pytest.approx((-other.high, -other.low))
        assert (one.verdict, other.verdict) == ("better", "worse")


def test_the_oracle_is_better_than_random_wherever_the_truth_knows_more(cell_of: Make, put: Put) -> None:
    board = open_board(put(cells_of(cell_of)))
    found = by_measure(compare_rows(board, *rows(board, "oracle", "random")))
    assert {each.verdict for each in found.values()} == {"better"}
    assert {each.unscaled for each in found.values()} == {()}
    assert found["score"].a == pytest.approx(1.0)


def test_where_the_truth_is_no_better_than_chance_the_metric_is_compared_and_marked(cell_of: Make, put: Put) -> None:
    """Here the truth is worse than chance by one metric: random is better by it, and the headline leaves it out."""
    cells = [
        replace(
            cell,
            best=cell.chance + 0.2,
            value=cell.chance + 0.2 if cell.method == "oracle" else cell.value,
        )
        if cell.metric == "restore"
        else cell
        for cell in cells_of(cell_of)
    ]
    board = open_board(put(cells))
    assert set(board.summary["score_of"]) == {"square: completeness"}
    found = by_measure(compare_rows(board, *rows(board, "oracle", "random")))
    assert {name: each.verdict for name, each in found.items()} == {
        "score": "better",
        "completeness": "better",
        "restore": "worse",
        "spread": "better",
    }
    assert {name: each.unscaled for name, each in found.items() if each.unscaled} == {"restore": ("wanet",)}
    assert found["score"].n_a == 90


def test_a_copy_of_a_board_is_no_other_board(cell_of: Make, put: Put, tmp_path: Path) -> None:
    folder = put(cells_of(cell_of))
    shutil.copytree(folder, tmp_path / "copy")
    for table in (LEADERBOARD, SCORES):
        report = compare_boards(open_board(folder / table), open_board(tmp_path / "copy" / table))
        assert report.how == "paired"
        assert len(report.pairs) == 5
        every = [each for pair in report.pairs for each in pair.comparisons]
        assert {each.difference for each in every} == {0.0}
        assert {(each.low, each.high, each.p_corrected) for each in every} == {(0.0, 0.0, 1.0)}
        assert {each.verdict for each in every} == {"not separable"}
        assert (report.only_a, report.only_b) == ((), ())


def test_two_boards_of_the_same_models_are_paired(cell_of: Make, put: Put) -> None:
    """A change of a hundredth on each picture shows, where rows differ between pictures by twenty times that."""
    cells = cells_of(cell_of)
    before = open_board(put(cells, "before"))
    changed = [replace(c, value=c.value + (0.01 if c.method == "fair" else 0.0)) for c in cells if c.method != "twin"]
    after = open_board(put(changed, "after"))
    report = compare_boards(after, before)
    assert report.how == "paired"
    assert [pair.a for pair in report.pairs] == [pair.b for pair in report.pairs]
    assert (report.only_a, report.only_b) == ((), (("twin", "method", "input"),))
    verdicts = {pair.a[0]: {each.measure: each.verdict for each in pair.comparisons} for pair in report.pairs}
    assert {name: verdicts["fair"][name] for name in METRICS} == {
        "completeness": "better",
        "restore": "worse",  # lower is better
        "spread": "better",
    }
    assert set(verdicts["good"].values()) == {"not separable"}


def test_boards_of_other_models_are_resampled_each_on_its_own(cell_of: Make, put: Put) -> None:
    mine, theirs = cells_of(cell_of, 0), [replace(c) for c in cells_of(cell_of, 1)]
    theirs = [replace(c, provenance={**c.provenance, "model_digest": f"other{c.trigger}{c.seed}"}) for c in theirs]
    report = compare_boards(open_board(put(mine, "a")), open_board(put(theirs, "b")))
    assert report.how == "unpaired"
    assert "Not paired" in report.remarks[0]
    pair = next(pair for pair in report.pairs if pair.a[0] == "fair")
    found = {each.measure: each for each in pair.comparisons}
    first, second = raw(mine, "fair", "spread"), raw(theirs, "fair", "spread")
    resampled = [resample_weights([30, 30, 30], "wanet", seed) @ scores for seed, scores in ((0, first), (1, second))]
    assert found["spread"].difference == pytest.approx(first.mean() - second.mean())
    assert [found["spread"].low, found["spread"].high] == pytest.approx(
        np.quantile(resampled[0] - resampled[1], [0.025, 0.975]).tolist()
    )
    scores = [
        sum(corrected(cells, "fair", metric).mean() / 2 for metric in ("completeness", "restore"))
        for cells in (mine, theirs)
    ]
    assert (found["score"].a, found["score"].b) == pytest.approx(tuple(scores))
    oracle = {each.measure: each for each in report.pairs[[p.a[0] for p in report.pairs].index("oracle")].comparisons}
    assert oracle["score"].difference == pytest.approx(0)
    assert oracle["score"].verdict == "not separable"


@pytest.mark.parametrize("name", ["chance", "best"])
def test_other_levels_are_other_pictures(cell_of: Make, put: Put, name: str) -> None:
    cells = cells_of(cell_of)
    moved = [replace(cell, **{name: getattr(cell, name) + 1e-3}) for cell in cells]
    assert compare_boards(open_board(put(cells, "a")), open_board(put(moved, "b"))).how == "unpaired"


def test_unknown_models_are_not_taken_for_the_same(cell_of: Make, put: Put) -> None:
    cells = [replace(c, provenance={**c.provenance, "model_digest": ""}) for c in cells_of(cell_of)]
    board = open_board(put(cells, "a"))
    assert compare_boards(board, open_board(put(cells, "b"))).how == "unpaired"
    assert compare_rows(board, *rows(board, "good", "fair")).how == "paired"


def test_conditions_of_one_board_alone_are_left_out_and_named(cell_of: Make, put: Put) -> None:
    cells = cells_of(cell_of)
    less = [cell for cell in cells if cell.metric != "restore"]
    report = compare_boards(open_board(put(cells, "a")), open_board(put(less, "b")))
    assert report.how == "paired"
    assert "restore under wanet" in " ".join(report.remarks)
    found = by_measure(report)
    assert list(found) == ["score", "completeness", "spread"]
    first = report.pairs[0].a[0]
    assert found["score"].a == pytest.approx(corrected(cells, first, "completeness").mean())


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"suite": "cifar10"}, "is of suite quick"),
        ({"dataset": "other"}, "is of data set shapes"),
        ({"model": "vgg"}, "is of model resnet8"),
        ({"suite_version": "v2"}, "is of suite version v1"),
        ({"data_digest": "e"}, "are of different pictures"),
    ],
)
def test_boards_that_measure_other_things_are_refused(
    cell_of: Make, put: Put, facts: dict[str, str], words: str
) -> None:
    cells = cells_of(cell_of)
    own = {name: value for name, value in facts.items() if name not in cells[0].provenance}
    changed = {name: value for name, value in facts.items() if name in cells[0].provenance}
    other = [replace(cell, **own, provenance={**cell.provenance, **changed}) for cell in cells]
    with pytest.raises(PeepholeError, match=words) as caught:
        compare_boards(open_board(put(cells, "a")), open_board(put(other, "b")))
    assert "\n" not in str(caught.value)


def test_rows_are_compared_on_the_pictures_that_both_have(cell_of: Make, put: Put) -> None:
    """The first pictures are harder; the row that has those alone is as good as the other one on them."""
    few, nan = np.isin(np.arange(SIZE) % 10, (0, 1, 2)), float("nan")
    cells = [replace(c, value=np.where(few, c.chance, c.value)) for c in cells_of(cell_of) if c.method == "fair"]
    names = ("value", "chance", "best")
    part = [
        replace(c, method="dear", scored=few, **{name: np.where(few, getattr(c, name), nan) for name in names})
        for c in cells
    ]
    board = open_board(put([*cells, *part]))
    report = compare_rows(board, *rows(board, "fair", "dear"))
    assert {each.difference for each in report.pairs[0].comparisons} == {0.0}
    assert by_measure(report)["score"].n_a == by_measure(report)["score"].n_b == 2 * 3 * 9
    scores = board.summary.set_index("method")["score"]
    assert scores["fair"] > scores["dear"] + 0.1


def test_one_picture_tells_nothing_and_the_report_says_why(cell_of: Make, put: Put) -> None:
    board = open_board(put([cell_of([0.3], method="a"), cell_of([0.9], method="b")]))
    found = by_measure(compare_rows(board, *rows(board, "b", "a")))
    assert found["score"].difference == pytest.approx(0.8)
    assert np.isnan([found["score"].low, found["score"].high, found["score"].p_corrected]).all()
    assert found["score"].verdict == "not separable"
    assert "single picture" in found["score"].reason


def test_a_row_that_lacks_a_model_is_not_compared_and_the_report_says_why(cell_of: Make, put: Put) -> None:
    cells = [c for c in cells_of(cell_of) if (c.method, c.metric, c.seed) != ("twin", "restore", 2)]
    board = open_board(put(cells))
    found = by_measure(compare_rows(board, *rows(board, "fair", "twin")))
    assert np.isnan([found[name].difference for name in ("score", "restore")]).all()
    assert {found[name].verdict for name in found} == {"not separable"}
    assert "lacks scores of some model" in found["score"].reason
    assert found["completeness"].reason == ""


def test_few_models_are_spoken_of(cell_of: Make, put: Put) -> None:
    cells = cells_of(cell_of)
    board = open_board(put(cells))
    assert "1.22" in " ".join(compare_rows(board, *rows(board, "good", "fair")).remarks)
    single = open_board(put([cell for cell in cells if cell.seed == 0 or cell.trigger == "square"], "one"))
    assert "pictures only" in " ".join(compare_rows(single, *rows(single, "good", "fair")).remarks)


def test_without_pictures_the_tables_intervals_serve(cell_of: Make, put: Put) -> None:
    folder = put(cells_of(cell_of))
    whole = open_board(folder)
    (folder / PICTURES).unlink()
    board = open_board(folder)
    pair = rows(board, "good", "fair")
    known, found = by_measure(compare_rows(whole, *pair)), by_measure(compare_rows(board, *pair))
    report = compare_rows(board, *pair)
    assert report.how == "summaries"
    assert "as if rows were independent" in report.remarks[0]
    assert "there is no" in report.remarks[0]
    table = board.summary.set_index("method")
    for name, each in found.items():
        assert each.difference == pytest.approx(known[name].difference, abs=1e-9)
        widths = [table.loc[row, f"{name}_hi"] - table.loc[row, f"{name}_lo"] for row in ("good", "fair")]
        assert each.high - each.low == pytest.approx(np.hypot(*widths))
        assert each.high - each.low > known[name].high - known[name].low
    assert found["restore"].verdict == "better"
    assert found["restore"].direction == "lower"


def test_pictures_of_other_tables_are_not_used(cell_of: Make, put: Put) -> None:
    folder, other = put(cells_of(cell_of), "a"), put(cells_of(cell_of, 1), "b")
    shutil.copy(other / PICTURES, folder / PICTURES)
    board = open_board(folder)
    assert board.lineup is None
    assert "belongs to other tables" in compare_rows(board, *rows(board, "good", "fair")).remarks[0]


def test_scores_alone_are_summed_up_as_the_board_does(cell_of: Make, put: Put) -> None:
    cells = cells_of(cell_of)
    spoilt = [replace(cell, seed=9, certified=False, value=cell.value - 5) for cell in cells if cell.seed == 0]
    folder = put([*cells, *spoilt])
    (folder / PICTURES).unlink()
    full, board = open_board(folder), open_board(folder / SCORES)
    left, right = full.summary.set_index("method"), board.summary.set_index("method")
    for metric in METRICS:
        for row in SKILL:
            ends = [f"{metric}_lo", f"{metric}_hi"]
            assert right.loc[row, metric] == pytest.approx(left.loc[row, metric], abs=1e-9)
            width = left.loc[row, ends[1]] - left.loc[row, ends[0]]
            assert right.loc[row, ends[1]] - right.loc[row, ends[0]] == pytest.approx(width, rel=0.1)
    assert board.lower == {"restore"}
    assert right["n"].tolist() == left.loc[right.index, "n"].tolist()
    report = compare_rows(board, *rows(board, "good", "fair"))
    assert list(by_measure(report)) == ["completeness", "restore", "spread"]
    assert "no headline" in " ".join(report.remarks)


def test_scores_alone_of_a_row_that_lacks_a_model_are_no_mean(cell_of: Make, put: Put) -> None:
    cells = [c for c in cells_of(cell_of) if (c.method, c.metric, c.seed) != ("twin", "restore", 2)]
    summary = open_board(put(cells) / SCORES).summary.set_index("method")
    assert np.isnan(summary.loc["twin", "restore"])
    assert np.isfinite(summary.loc["twin", "completeness"])
    assert np.isfinite(summary.loc["fair", "restore"])


def test_headlines_of_other_parts_are_not_compared_by_their_summaries(cell_of: Make, put: Put) -> None:
    cells = cells_of(cell_of)
    a, b = put(cells, "a"), put([cell for cell in cells if cell.metric != "restore"], "b")
    for folder in (a, b):
        (folder / PICTURES).unlink()
    report = compare_boards(open_board(a), open_board(b))
    assert list(by_measure(report)) == ["completeness", "spread"]
    assert "headlines are of other parts" in " ".join(report.remarks)


def test_only_some_metrics_and_only_best_layers(cell_of: Make, put: Put) -> None:
    cells = cells_of(cell_of)
    worse = [replace(c, layer="layer1", value=c.chance) for c in cells if c.method == "good"]
    board = open_board(put([*cells, *worse]))
    report = compare_boards(board, board, ["restore"])
    assert {tuple(each.measure for each in pair.comparisons) for pair in report.pairs} == {("score", "restore")}
    assert len(report.pairs) == 6
    best = compare_boards(board, board, every_layer=False)
    assert ("good", "method", "layer1") not in [pair.a for pair in best.pairs]
    assert len(best.pairs) == 5
    with pytest.raises(UnknownName, match="unknown metric 'restor'"):
        compare_boards(board, board, ["restor"])


def test_boards_without_anything_in_common_are_refused(cell_of: Make, put: Put) -> None:
    cells = cells_of(cell_of)
    board = open_board(put(cells, "a"))
    other = open_board(put([replace(cell, method=f"{cell.method}2") for cell in cells], "b"))
    with pytest.raises(PeepholeError, match="no row in common"):
        compare_boards(board, other)
    spoilt = open_board(put([replace(cell, certified=False) for cell in cells], "c"))
    with pytest.raises(PeepholeError, match="share no certified trigger"):
        compare_boards(board, spoilt)
    with pytest.raises(PeepholeError, match="has no certified trigger"):
        compare_rows(spoilt, *rows(spoilt, "good", "fair"))


def test_files_that_are_no_board_are_refused(cell_of: Make, put: Put, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(PeepholeError, match=r"has not the columns of leaderboard\.csv or scores\.csv"):
        open_board(tmp_path / "other.csv")
    with pytest.raises(PeepholeError, match="cannot read"):
        open_board(tmp_path / "none.csv")


def test_texts_name_rows(cell_of: Make, put: Put) -> None:
    cells = cells_of(cell_of, skill={"good": 0.7, "tif(deeplift, 0.9)": 0.5, "oracle": 1.0})
    worse = [replace(c, layer="layer3.0", value=c.chance) for c in cells if c.method == "good"]
    board = open_board(put([*cells, *worse]))
    assert find_row(board, "good") == ("good", "method", "input")
    assert find_row(board, "Good@layer3.0") == ("good", "method", "layer3.0")
    assert find_row(board, "tif(deeplift,0.9)") == find_row(board, "tif( deeplift, 0.9 )@input")
    assert find_row(board, "oracle") == ("oracle", "calibration", "input")
    with pytest.raises(UnknownName, match="Did you mean 'good'"):
        find_row(board, "goof")
    with pytest.raises(UnknownName, match=r"unknown layer of good 'layer4'. .*There are: input, layer3.0"):
        find_row(board, "good@layer4")
    unmarked = open_board(put([replace(c, selection=np.zeros(SIZE, dtype=np.bool_)) for c in [*cells, *worse]], "b"))
    with pytest.raises(PeepholeError, match="good has no best layer on this board; name one, as in good@"):
        find_row(unmarked, "good")


def test_the_order_of_rows_and_pictures_changes_no_difference(cell_of: Make, put: Put) -> None:
    cells = cells_of(cell_of)
    generator = np.random.default_rng(0)
    order = generator.permutation(SIZE)
    names = ("value", "chance", "best", "valid", "selection", "scored")
    shuffled = [replace(cell, **{name: getattr(cell, name)[order] for name in names}) for cell in cells[::-1]]
    boards = [open_board(put(each, name)) for each, name in ((cells, "a"), (cells[::-1], "b"), (shuffled, "c"))]
    plain, reversed_, moved = (by_measure(compare_rows(board, *rows(board, "good", "fair"))) for board in boards)
    for name, each in plain.items():
        assert reversed_[name] == each
        assert moved[name].difference == pytest.approx(each.difference, abs=1e-12)
        assert moved[name].high - moved[name].low == pytest.approx(each.high - each.low, rel=0.15)
