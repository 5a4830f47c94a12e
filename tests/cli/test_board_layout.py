"""The board as people see it, on screens of all widths."""

import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from peephole.cli.leaderboard import fewer_pictures, print_board, shown_metrics, sort_board
from peephole.errors import PeepholeError, UnknownName
from peephole.labels import broken

LONG = "cascade(guided_backprop, 3, below=input_x_gradient[a])"
METRICS = ("class_sensitivity", "completeness", "fine_grained", "morf(baseline='blur')", "restore")
CORE = METRICS[:3]


def line(method, score, n, *, kind="method", best=True, layer="layer3.0", passes=12.5, pareto=False):
    row = {"method": method, "kind": kind, "layer": layer, "best_layer": best, "score": score, "n": n}
    row |= {"score_lo": score - 0.01, "score_hi": score + 0.01, "rank": 1.0, "rank_interval": "10–31", "tie_group": 12}
    for metric in METRICS:
        row |= {metric: score, f"{metric}_lo": score, f"{metric}_hi": score}
    row |= {"n_valid": n - 15, "n_invalid": 150, "ms_per_image": 1234.5, "passes": passes, "pareto": pareto}
    row |= {"score_of": "square: completeness; x: fine_grained", "core_metrics": "; ".join(CORE)}
    return row | {"lower_is_better": "restore", "suite": "quick/v1"}


@pytest.fixture
def frame():
    rows = [
        line("oracle", 0.98, 600, kind="calibration"),
        line(LONG, -0.12, 600),
        line("score_cam", 0.33, 153, passes=float("nan"), pareto=True),
        line("score_cam", 0.21, 153, best=False, layer="input"),
        line("failed", float("nan"), 40),
    ]
    return pd.DataFrame(rows)


def printed(frame, width, metrics=None):
    screen = Console(width=width, file=io.StringIO(), highlight=False)
    print_board(frame, screen, every_layer=False, metrics=metrics)
    return screen.file.getvalue()


def table_of(text):
    """The lines of the table below its title, without the caption."""
    lines = text.splitlines()
    start = next(index for index, line in enumerate(lines) if set(line.strip()) == {"─"})
    end = next(index for index, line in enumerate(lines) if index > start and not line.strip())
    return lines[start + 1 : end]


@pytest.mark.parametrize("width", [200, 140, 120, 110, 100, 90])
def test_nothing_is_cut_and_the_screen_is_kept(frame, width):
    text = printed(frame, width)
    assert max(map(len, text.splitlines())) <= width
    rows = table_of(text)
    assert "…" not in text
    name = next(index for index, row in enumerate(rows) if "cascade(" in row)
    end = next(index for index, row in enumerate(rows) if "score_cam" in row)
    start = rows[name].index("cascade(")
    room = rows[name].index("layer3.0") - start
    found = "".join(row[start : start + room].replace(" ", "") for row in rows[name:end])
    assert found == LONG.replace(" ", "")
    for number in ("0.98", "[0.97, 0.99]", "-0.12", "[-0.13, -0.11]", "1234", "150", "10–31"):
        assert number in "\n".join(rows)


def test_a_wide_screen_has_a_line_a_method(frame):
    assert len(table_of(printed(frame, 200))) == 5
    assert len(table_of(printed(frame.iloc[[0, 2]], 140))) == 2


def test_a_table_that_fits_nowhere_is_printed_whole(frame):
    assert table_of(printed(frame, 40)) == table_of(printed(frame, 30))
    assert "[0.97, 0.99]" in printed(frame, 30)


def test_methods_with_fewer_pictures_are_marked_and_explained(frame):
    assert fewer_pictures(frame) == {"score_cam": "153 of 600"}
    text = printed(frame, 200)
    assert "score_cam*† " in text
    assert "* score_cam on 153 of 600 pictures" in " ".join(text.split())
    assert "failed*" not in text


def test_without_such_methods_nothing_is_said(frame):
    text = printed(frame[frame["n"] == 600], 200)
    assert "*" not in text
    assert "pictures that both have" not in text


def test_an_empty_board_says_why():
    empty = pd.DataFrame([line("gradient", float("nan"), 0)]).assign(rank=float("nan"))
    assert "Nothing is ranked" in printed(empty, 120)


def test_the_caption_says_what_the_score_is_made_of(frame):
    text = " ".join(printed(frame, 200).split())
    assert "mean(best - chance) (square: completeness; x: fine_grained)." in text


def test_methods_worth_their_cost_are_marked_and_the_mark_explained(frame):
    text = printed(frame, 200)
    assert text.count("†") == 2
    assert "† no other method has a score as high at a cost as low" in " ".join(text.split())
    assert "12.5" in text
    assert "†" not in printed(frame.assign(pareto=False), 200)


def test_a_board_on_which_the_truth_wins_nowhere_says_why(frame):
    text = " ".join(printed(frame.assign(rank=float("nan")), 120).split())
    assert "the truth itself shown to beat chance" in text


def test_core_metrics_are_shown_and_what_is_sorted_by(frame):
    assert shown_metrics(frame) == list(CORE)
    assert shown_metrics(frame, sort="Restore") == [*CORE, "restore"]
    assert shown_metrics(frame, "restore,completeness") == ["completeness", "restore"]
    assert shown_metrics(frame, "morf(baseline=blur)") == ["morf(baseline='blur')"]
    assert shown_metrics(frame, "all") == list(METRICS)
    text = printed(frame, 200, ["restore"])
    assert "restore" in text
    assert "fine" not in table_of(text)[0]
    with pytest.raises(UnknownName, match=r"unknown metric 'restor'. Did you mean 'restore'"):
        shown_metrics(frame, "restor")
    with pytest.raises(PeepholeError, match="--metrics names none"):
        shown_metrics(frame, " ,")


@pytest.mark.parametrize(
    ("column", "ascending"),
    [
        ("rank", True),
        ("score", False),
        ("ms_per_image", True),
        ("passes", True),
        ("Fine-Grained", False),
        ("restore", True),
        ("morf( baseline=blur )", False),
    ],
)
def test_the_best_comes_first_whichever_way_is_better(frame, column, ascending):
    numbers = [3.0, 1.0, float("nan"), 2.0, 1.0]
    name = {"Fine-Grained": "fine_grained", "morf( baseline=blur )": "morf(baseline='blur')"}.get(column, column)
    found = sort_board(frame.assign(**{name: numbers}), column)
    assert found[name].tolist()[:4] == ([1, 1, 2, 3] if ascending else [3, 2, 1, 1])
    assert found["method"].iloc[-1] == "score_cam"


def test_what_is_no_column_of_numbers_is_refused(frame):
    with pytest.raises(UnknownName, match="unknown column 'method'"):
        sort_board(frame, "method")


def test_boards_of_earlier_versions_are_refused(frame):
    with pytest.raises(PeepholeError, match="has no column lower_is_better, as earlier versions wrote it"):
        sort_board(frame.drop(columns="lower_is_better"), "rank")


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("gradient", 20, ["gradient"]),
        ("input_x_guided_backprop", 16, ["input_x_guided_", "backprop"]),
        ("tif(captum:LayerGradCam, 0.7)", 14, ["tif(captum:", "LayerGradCam,", "0.7)"]),
        ("completeness", 7, ["complet", "eness"]),
        ("", 5, [""]),
    ],
)
def test_names_are_broken_where_they_may_be(text, width, lines):
    assert broken(text, width) == lines


@given(st.text("ab_(,:= )", max_size=40), st.integers(1, 12))
def test_nothing_is_lost_and_no_line_is_too_long(text, width):
    lines = broken(text, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(len(line) <= width for line in lines)
