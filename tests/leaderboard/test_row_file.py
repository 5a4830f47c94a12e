"""Rows that are published come back bit by bit, and say when they were changed."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from peephole.errors import PeepholeError
from peephole.leaderboard.array_texts import array_text, read_array
from peephole.leaderboard.board import board
from peephole.leaderboard.levels import levels_of
from peephole.leaderboard.row_file import ARRAYS, PublishedRow, published_rows, read_row
from peephole.leaderboard.row_folder import row_file_name, write_rows
from peephole.leaderboard.row_summary import check_summaries
from peephole.leaderboard.row_text import row_text


@given(arrays(np.float64, st.tuples(st.integers(0, 3), st.integers(0, 4)), elements=st.floats(width=64)))
def test_every_float_comes_back_bit_by_bit(array):
    assert read_array(array_text(array), "<f8", array.shape).tobytes() == array.tobytes()


@given(arrays(np.bool_, st.tuples(st.integers(0, 3), st.integers(0, 4))))
def test_every_bool_comes_back(array):
    assert np.array_equal(read_array(array_text(array), "|b1", array.shape), array)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("not base64!", "is damaged"),
        ("AAAA", "is damaged"),
        (array_text(np.zeros(4)), r"another size than <f8 \[3\]"),
        (array_text(np.zeros(2)), r"another size than <f8 \[3\]"),
        (array_text(np.zeros(10_000_000)), r"another size than <f8 \[3\]"),
        (array_text(np.zeros(3))[:-8], "."),
    ],
)
def test_a_text_that_is_no_such_array_is_refused(text, words):
    with pytest.raises(PeepholeError, match=words):
        read_array(text, "<f8", (3,))


def test_bools_are_0_and_1():
    with pytest.raises(PeepholeError, match="something else than 0 and 1"):
        read_array(array_text(np.array([1.5])), "|b1", (8,))


@pytest.fixture
def cells(cell_of):
    """Two methods at two layers, one of them on fewer pictures, and a calibration row; two models, one uncertified."""
    generator = np.random.default_rng(3)
    few = np.array([True, True, False, True, True, False])
    selection = np.array([True, False, False, True, False, False])
    found = []
    for trigger, seed, certified in (("square", 0, True), ("x", 1, False)):
        digests = {"model_digest": f"m-{trigger}", "weights_digest": f"w-{trigger}"}
        for method, layers, kind in (
            ("costly", ("input", "deep"), "method"),
            ("tif(a, 0.5)", ("input", "deep"), "method"),
            ("oracle", ("input",), "calibration"),
        ):
            for metric, core in (("completeness", True), ("lerf", False)):
                levels = 0.1 + np.arange(6) / 100
                for layer in layers:
                    scored = few if method == "costly" else np.ones(6, dtype=np.bool_)
                    found.append(
                        cell_of(
                            np.where(scored, generator.random(6), np.nan),
                            trigger=trigger,
                            seed=seed,
                            certified=certified,
                            method=method,
                            kind=kind,
                            layer=layer,
                            metric=metric,
                            core=core,
                            direction="higher" if core else "lower",
                            scored=scored,
                            selection=selection,
                            chance=np.where(scored, levels, np.nan),
                            best=np.where(scored, 0.9 if core else 0.01, np.nan),
                            ms_per_image=float("nan") if kind == "calibration" else 1 / 3,
                            passes=float("nan") if kind == "calibration" else 2.0,
                            method_digest=f"d-{method}",
                            **digests,
                        )
                    )
    return found


@pytest.fixture
def rows(cells):
    return published_rows(cells, levels_of(cells), board(cells))


def same(one, other):
    arrays_alike = all(getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in ARRAYS)
    names = ("subject", "poisoned", "row", "metric", "direction", "core", "certified", "provenance")
    facts_alike = all(getattr(one, name) == getattr(other, name) for name in names)
    return arrays_alike and facts_alike and np.array_equal(one.ms_per_image, other.ms_per_image, equal_nan=True)


def put(row: PublishedRow, folder):
    write_rows([row], folder)
    return folder / row_file_name(row.method, row.kind)


def test_a_row_comes_back_as_it_was(rows, tmp_path):
    for row in rows:
        back = read_row(put(row, tmp_path))
        assert (back.method, back.kind, back.place, back.summary) == (row.method, row.kind, row.place, row.summary)
        assert len(back.cells) == len(row.cells)
        assert all(same(one, other) for one, other in zip(back.cells, row.cells, strict=True))
        assert back.content == row.content
        assert row_text(back) == row_text(row)


def test_numbers_follow_from_the_scores_of_each_row_alone_too(rows, tmp_path):
    """A row of few pictures is scaled by those of the board that it came from."""
    for row in rows:
        check_summaries([read_row(put(row, tmp_path))])


def test_the_numbers_for_people_are_those_of_the_board(cells, rows):
    frame = board(cells).set_index(["method", "layer"])
    for row in rows:
        for layer in row.summary["layers"]:
            own = frame.loc[(row.method, layer["layer"])]
            assert layer["score"] == pytest.approx(own["score"], rel=1e-11)
            assert layer["metrics"]["lerf"] == pytest.approx([own[name] for name in ("lerf", "lerf_lo", "lerf_hi")])


def _set(content, path, value):
    for name in path[:-1]:
        content = content[name]
    content[path[-1]] = value


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("layers", 0, "score"), 0.99, r"input score is 0\.99, the scores give"),
        (("layers", 1, "metrics", "completeness", 2), 0.5, r"deep metrics completeness high is 0\.5, the scores give"),
        (("layers", 1, "best_layer"), None, "deep best_layer is nothing, the scores give"),
        (("layers", 0, "n"), 5, "input n is 5, the scores give"),
        (("origin", "method_digest"), "other", "origin method_digest is other, the scores give d-"),
        (("origin", "extra"), "x", "origin extra is not expected"),
        (("score_of",), "", "score_of is , the scores give square"),
        (("layers",), [], "layers has 0 entries, the scores give 2"),
    ],
)
def test_numbers_that_were_edited_by_hand_are_found(rows, tmp_path, path, value, words):
    file = put(rows[0], tmp_path)
    content = json.loads(file.read_text())
    _set(content, path, value)
    file.write_text(json.dumps(content))
    with pytest.raises(PeepholeError, match=words) as caught:
        check_summaries([read_row(file)])
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("format",), "novel", "is no file of a row; expected JSON with the format 'peephole row'"),
        (("version",), 2, "is peephole row version 2, this version of peephole reads version 1"),
        (("kind",), "king", "is damaged .the kind is king"),
        (("models",), [], "is damaged .it has no scores"),
        (("models", 0, "scores", "value"), "####", "is damaged .an array is damaged"),
        (("models", 0, "scores", "pictures"), -1, "less than no pictures"),
        (("models", 0, "scores", "pictures"), 10**12, "another size"),
        (("models", 0, "seed"), "0", r"is damaged .models\.0\.seed"),
        (("models", 0, "more"), 1, r"is damaged .models\.0\.more"),
        (("models", 0, "provenance"), {}, "is damaged .cell .* provenance has"),
        (("models", 0, "metrics", 0, "direction"), "up", "the direction of completeness is up"),
        (("suite_version",), "9", "the suite version is 9"),
    ],
)
def test_what_is_no_row_is_told_in_one_line(rows, tmp_path, path, value, words):
    file = put(rows[0], tmp_path)
    content = json.loads(file.read_text())
    _set(content, path, value)
    file.write_text(json.dumps(content))
    with pytest.raises(PeepholeError, match=words) as caught:
        read_row(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_file_no_json_no_object(tmp_path):
    with pytest.raises(PeepholeError, match="cannot read"):
        read_row(tmp_path / "nothing.json")
    for text in ("{", "[]", "7"):
        (tmp_path / "row.json").write_text(text)
        with pytest.raises(PeepholeError, match="is no file of a row"):
            read_row(tmp_path / "row.json")


def test_a_row_whose_layers_have_different_levels_is_not_written(cell_of):
    cells = [cell_of([0.1, 0.2]), cell_of([0.1, 0.2], layer="deep", chance=np.full(2, 0.25 + 1e-12))]
    with pytest.raises(PeepholeError, match="has another level than at input"):
        row_text(published_rows(cells, levels_of(cells), board(cells))[0])


def test_a_folder_holds_the_rows_of_now_and_what_is_right_is_left_alone(rows, tmp_path):
    write_rows(rows, tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"costly.json", "tif(a,%200.5).json", "@oracle.json"}
    (tmp_path / "notes.json").write_text("{}")
    times = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    write_rows(rows[1:], tmp_path)
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == {
        name: time for name, time in times.items() if name != "costly.json"
    }


def test_long_names_are_cut_and_stay_apart():
    names = {row_file_name("m" * 300 + end, "method") for end in "ab"}
    assert len(names) == 2
    assert max(map(len, names)) < 250
