"""Boards of rows that were published apart."""

import json

import numpy as np
import pytest

from peephole.errors import PeepholeError
from peephole.leaderboard.board_folder import write_board
from peephole.leaderboard.picture_file import PICTURES, read_pictures
from peephole.leaderboard.tables import LEADERBOARD, read_csv
from peephole.merging import merge

MODELS = (("square", 0), ("square", 1), ("x", 0))


@pytest.fixture
def cells_of(cell_of):
    """A run's cells of these methods; everything else can be overridden. The methods' scores depend on their names."""

    def make(*methods, models=MODELS, **facts):
        found = []
        for trigger, seed in models:
            digests = {"model_digest": f"m{trigger}{seed}", "weights_digest": f"w{trigger}{seed}"}
            for method in (*methods, "oracle"):
                kind = "calibration" if method == "oracle" else "method"
                generator = np.random.default_rng([seed, *method.encode(), *trigger.encode()])
                for metric in ("completeness", "truth_auprc"):
                    for layer in ("input",) if method == "oracle" else ("input", "deep"):
                        own = {"method": method, "kind": kind, "layer": layer, "metric": metric, "trigger": trigger}
                        more = {"seed": seed, "method_digest": f"d-{method}", **digests}
                        selection = np.array([True, True, False, False, False, False])
                        cell = {**own, **more, "selection": selection, "chance": np.full(6, 0.25), **facts}
                        found.append(cell_of(generator.random(6), **cell))
        return found

    return make


@pytest.fixture
def run(tmp_path):
    """The folder of a run with these cells."""

    def write(name, cells):
        write_board(cells, tmp_path / name)
        return tmp_path / name

    return write


def test_a_board_of_rows_alone_is_the_run_s_own_to_the_last_byte(cells_of, run, tmp_path):
    own = run("a", cells_of("gradient", "z_first", "a_last"))
    merge([own / "rows"], out=tmp_path / "board")
    for name in ("leaderboard.csv", "scores.csv", *(f"rows/{path.name}" for path in (own / "rows").iterdir())):
        assert (tmp_path / "board" / name).read_bytes() == (own / name).read_bytes(), name
    one, other = (read_pictures(folder / PICTURES, folder / LEADERBOARD) for folder in (own, tmp_path / "board"))
    assert one.rows == other.rows
    for first, second in zip(one.conditions, other.conditions, strict=True):
        for name in ("value", "valid", "chance", "best"):
            assert getattr(first, name).tobytes() == getattr(second, name).tobytes()


def test_two_runs_and_a_file_become_one_board_and_rows_in_several_count_once(cells_of, run, tmp_path):
    a, b, c = (run(name, cells_of("gradient", f"by_{name}")) for name in "abc")
    result = merge([a, b, c / "rows" / "by_c.json"], out=tmp_path / "board")
    whole = run("whole", cells_of("gradient", "by_a", "by_b", "by_c"))
    columns = ["method", "layer", "score", "score_lo", "score_hi", "rank", "rank_interval", "tie_group", "best_layer"]
    both = [
        read_csv(folder / LEADERBOARD)[columns].sort_values(["method", "layer"]) for folder in (result.folder, whole)
    ]
    assert both[0].reset_index(drop=True).equals(both[1].reset_index(drop=True))
    again = merge([tmp_path / "board"], out=tmp_path / "again")
    assert again.leaderboard.equals(result.leaderboard)


def refused(sources, out):
    with pytest.raises(PeepholeError) as caught:
        merge(sources, out=out)
    assert not out.exists()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"suite": "quick/v1+epochs=2"}, "differ in suite (quick and quick/v1+epochs=2)"),
        ({"suite_version": "v2"}, "differ in suite version (v1 and v2)"),
        ({"dataset": "cifar10"}, "differ in data set (shapes and cifar10)"),
        ({"model": "vgg"}, "differ in model (resnet8 and vgg)"),
        ({"data_digest": "y"}, "differ in data_digest of square, seed 0 (x and y)"),
        ({"model_digest": "y"}, "differ in model_digest of square, seed 0 (msquare0 and y)"),
        ({"weights_digest": "y"}, "differ in weights_digest of square, seed 0 (wsquare0 and y)"),
        ({"direction": "lower", "best": 0.0}, "differ in the direction or core of completeness"),
        ({"core": False}, "differ in the direction or core of completeness"),
        ({"certified": False}, "differ in pictures or certificate of square, seed 0"),
        ({"selection": np.arange(6) < 1}, "differ in pictures or certificate of square, seed 0"),
        ({"chance": np.full(6, 0.3)}, "differ in the chance level of completeness of square, seed 0"),
        ({"best": np.full(6, 0.9)}, "differ in the best level of completeness of square, seed 0"),
    ],
)
def test_rows_that_cannot_stand_side_by_side_are_refused_by_their_files(cells_of, run, tmp_path, facts, words):
    a = run("a", cells_of("one")) / "rows" / "one.json"
    b = run("b", cells_of("two", **facts)) / "rows" / "two.json"
    message = refused([a, b], tmp_path / "board")
    assert words in message
    assert str(a) in message
    assert str(b) in message


def test_one_name_for_two_methods_and_one_method_under_two_names(cells_of, run, tmp_path):
    a = run("a", cells_of("mine")) / "rows" / "mine.json"
    other_code = run("b", cells_of("mine", method_digest="other")) / "rows" / "mine.json"
    message = refused([a, other_code], tmp_path / "board")
    assert f"{a} and {other_code} are both called mine and differ in their code (d-mine and other)" in message
    slower = run("c", cells_of("mine", ms_per_image=9.0)) / "rows" / "mine.json"
    assert "differ in their scores or where these come from" in refused([a, slower], tmp_path / "board")
    renamed = run("d", cells_of("yours", method_digest="d-mine")) / "rows" / "yours.json"
    assert f"{a} and {renamed} are the same method (d-mine)" in refused([a, renamed], tmp_path / "board")


def test_a_row_that_lacks_a_model_is_refused_whichever_comes_first(cells_of, run, tmp_path):
    a = run("a", cells_of("whole")) / "rows" / "whole.json"
    for models in (MODELS[:2], MODELS[1:]):
        b = run(f"b{models[0][1]}", cells_of("part", models=models)) / "rows" / "part.json"
        for sources in ([a, b], [b, a]):
            message = refused(sources, tmp_path / "board")
            assert f"{b} lacks the model of" in message
            assert str(a) in message


def test_a_failed_model_shows_in_the_row_s_own_file(cells_of, run, tmp_path):
    """What failed on one model has no score beside the others; alone it has none either."""
    cells = [cell for cell in cells_of("good", "failing") if (cell.method, *cell.poisoned) != ("failing", "x", 0)]
    folder = run("a", cells)
    layers = json.loads((folder / "rows" / "failing.json").read_text())["layers"]
    assert [layer["score"] for layer in layers] == [None, None]
    assert "lacks the model of x, seed 0" in refused([folder], tmp_path / "board")


def test_edited_numbers_and_other_mistakes(cells_of, run, tmp_path):
    own = run("a", cells_of("gradient"))
    assert "there is no" in refused([tmp_path / "nowhere"], tmp_path / "board")
    (tmp_path / "empty").mkdir()
    assert "there are no rows in" in refused([tmp_path / "empty"], tmp_path / "board")
    assert "nothing to merge" in refused([], tmp_path / "board")
    file = own / "rows" / "gradient.json"
    content = json.loads(file.read_text())
    content["layers"][0]["score"] += 0.1
    file.write_text(json.dumps(content))
    assert f"{file}: layers input score is" in refused([own], tmp_path / "board")


def test_the_folder_of_a_run_is_not_written_to(cells_of, run):
    own = run("a", cells_of("gradient"))
    (own / "request.json").write_text("{}")
    before = {path: path.read_bytes() for path in own.rglob("*") if path.is_file()}
    with pytest.raises(PeepholeError, match="is the folder of a run"):
        merge([own], out=own)
    assert before == {path: path.read_bytes() for path in own.rglob("*") if path.is_file()}
