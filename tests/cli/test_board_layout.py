"""The board as people see it, on screens of all widths."""

import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from peephole.cli.leaderboard import fewer_pictures, print_board
from peephole.labels import broken

LONG = "cascade(guided_backprop, 3, below=input_x_gradient[a])"
METRICS = ("class_sensitivity", "completeness", "fine_grained")


def line(method, score, n, *, kind="method", best=True, layer="layer3.0"):
    row = {"method": method, "kind": kind, "layer": layer, "best_layer": best, "score": score, "n": n}
    row |= {"score_lo": score - 0.01, "score_hi": score + 0.01, "rank": 1.0, "rank_interval": "10–31", "tie_group": 12}
    for metric in METRICS:
        row |= {metric: score, f"{metric}_lo": score, f"{metric}_hi": score}
    return row | {"n_invalid": 150, "ms_per_image": 1234.5, "suite": "quick/v1"}


@pytest.fixture
def frame():
    rows = [
        line("oracle", 0.98, 600, kind="calibration"),
        line(LONG, -0.12, 600),
        line("score_cam", 0.33, 153),
        line("score_cam", 0.21, 153, best=False, layer="input"),
        line("failed", float("nan"), 40),
    ]
    return pd.DataFrame(rows)


def printed(frame, width):
    screen = Console(width=width, file=io.StringIO(), highlight=False)
    print_board(frame, screen, every_layer=False)
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
    assert "score_cam* " in text
    assert "* score_cam on 153 of 600 pictures" in " ".join(text.split())
    assert "failed*" not in text


def test_without_such_methods_nothing_is_said(frame):
    text = printed(frame[frame["n"] == 600], 200)
    assert "*" not in text
    assert "pictures that both have" not in text


def test_an_empty_board_says_why():
    empty = pd.DataFrame([line("gradient", float("nan"), 0)]).assign(rank=float("nan"))
    assert "Nothing is ranked" in printed(empty, 120)


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
