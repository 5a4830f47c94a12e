"""``peephole compare`` and ``peephole leaderboard`` on a board from made-up scores, as a user meets them."""

import io
import json
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from peephole.cli import main
from peephole.cli.compare import print_report
from peephole.leaderboard.alignment import align
from peephole.leaderboard.board import board
from peephole.leaderboard.cells import PROVENANCE, Cell
from peephole.leaderboard.compare import compare_boards
from peephole.leaderboard.picture_file import PICTURES, write_pictures
from peephole.leaderboard.scores import score_table
from peephole.leaderboard.stored_board import open_board
from peephole.leaderboard.tables import LEADERBOARD, SCORES, write_csv

SIZE = 30
SKILL = {("grad_cam", "input"): 0.3, ("grad_cam", "layer3.0"): 0.6, ("tif(deeplift, 0.9)", "fused"): 0.4}


def cells():
    generator = np.random.default_rng(0)
    found = []
    for metric, direction in (("completeness", "higher"), ("restore", "lower"), ("spread", "higher")):
        sign = 1 if direction == "higher" else -1
        hard = generator.normal(0, 0.05, size=SIZE)
        for (method, layer), skill in SKILL.items():
            found.append(
                Cell(
                    suite="quick/v1", dataset="shapes", model="resnet8", trigger="square", seed=0, method=method,
                    kind="method", layer=layer, metric=metric, scored=np.ones(SIZE, dtype=np.bool_),
                    value=0.5 + sign * (skill + hard + generator.normal(0, 0.02, size=SIZE)) / 2,
                    chance=np.full(SIZE, 0.5), best=np.full(SIZE, 0.5 + (sign / 2 if metric != "spread" else 0.0)),
                    valid=np.ones(SIZE, dtype=np.bool_), selection=np.arange(SIZE) < 6, ms_per_image=2.0,
                    passes=1.5, direction=direction, core=metric != "spread", certified=True,
                    provenance={**dict.fromkeys(PROVENANCE, "x"), "suite_version": "1"},
                )
            )  # fmt: skip
    return found


def put(folder, own):
    folder.mkdir()
    (folder / "peephole.json").write_text(json.dumps({"format": "peephole results", "version": 1}))
    write_csv(board(own), folder / LEADERBOARD)
    write_csv(score_table(own), folder / SCORES)
    write_pictures(align(own), folder / PICTURES, (folder / LEADERBOARD, folder / SCORES))
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Results, a copy of them with one method changed, and the same with the tables alone."""
    place = tmp_path_factory.mktemp("boards")
    put(place / "before", cells())
    after = [
        replace(cell, value=cell.value + 0.05) if cell.method == "grad_cam" else replace(cell, method="new")
        for cell in cells()
    ]
    put(place / "after", after)
    (place / "tables").mkdir()
    shutil.copy(place / "before" / LEADERBOARD, place / "tables")
    return place


@pytest.fixture
def peephole(place, monkeypatch, capsys):
    """The command, in this process: exit code and what it prints."""

    def run(*arguments):
        monkeypatch.chdir(place)
        monkeypatch.setattr(sys, "argv", ["peephole", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, end.value.code or 0, out, err)

    return run


def printed(report):
    screen = Console(width=140, file=io.StringIO(), highlight=False)
    print_report(report, "before", "after", screen)
    return screen.file.getvalue()


def test_two_methods_are_compared_at_their_best_layers(peephole):
    answer = peephole("compare", "grad_cam", "tif(deeplift,0.9)", "before")
    assert answer.returncode == 0, answer.stderr
    text = " ".join(answer.stdout.split())
    assert "A: grad_cam@layer3.0 B: tif(deeplift, 0.9)@fused" in text
    assert "corrected (Holm) for all 4 comparisons" in text
    assert "There is one model of a trigger: intervals speak of its pictures only" in text
    assert "restore ↓" in text
    assert "spread†" in text
    assert "(spread: square)" in text
    assert text.count(" better ") >= 4


def test_a_layer_can_be_named_and_json_is_complete(peephole):
    answer = peephole("compare", "grad_cam@input", "grad_cam", "before", "--metrics", "restore", "--json")
    report = json.loads(answer.stdout)
    assert report["how"] == "paired"
    (pair,) = report["pairs"]
    assert pair["a"] == {"method": "grad_cam", "kind": "method", "layer": "input"}
    assert [each["measure"] for each in pair["comparisons"]] == ["score", "restore"]
    assert {each["verdict"] for each in pair["comparisons"]} == {"worse"}
    assert pair["comparisons"][1]["difference"] > 0 > pair["comparisons"][0]["difference"]


def test_two_boards_are_compared_row_by_row(peephole):
    answer = peephole("compare", "before", "after")
    assert answer.returncode == 0, answer.stderr
    text = " ".join(answer.stdout.split())
    assert "grad_cam layer3.0 completeness" in text
    assert "worse" in text
    assert "Only on A: tif(deeplift, 0.9)@fused." in text
    assert "Only on B: new@fused." in text
    assert "input" not in text, "only best layers, unless all are asked for"
    assert "grad_cam input score" in " ".join(peephole("compare", "before", "after", "--all").stdout.split())


def test_what_is_not_separable_is_counted_and_not_listed(place):
    one = open_board(place / "before")
    text = " ".join(printed(compare_boards(one, one)).split())
    assert text.count("not separable") > 3
    assert "score" in text
    assert "9 metrics' comparisons that are not separable are not listed." in text
    assert "restore" not in text


def test_tables_alone_will_do_and_that_is_said(peephole):
    answer = peephole("compare", "tables/leaderboard.csv", "after/leaderboard.csv")
    assert answer.returncode == 0, answer.stderr
    assert "From the tables' intervals, as if rows were independent" in " ".join(answer.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["grad_cam", "lime", "before"], "unknown method on this board 'lime'"),
        (["grad_cam@layer9", "grad_cam", "before"], "unknown layer of grad_cam 'layer9'. Did you mean 'layer3.0'?"),
        (["before", "grad_cam"], "before is a board and grad_cam is neither a folder nor a file"),
        (["before", "nowhere.csv"], "cannot read nowhere.csv"),
        (["before", "."], ". holds no results"),
        (["grad_cam", "lime", "nowhere"], "nowhere holds no results"),
        (["before", "after", "--metrics", "restor"], "unknown metric 'restor'. Did you mean 'restore'"),
        (["before", "after", "--metrics", ","], "--metrics names none"),
    ],
)
def test_bad_input_is_one_line(peephole, arguments, words):
    answer = peephole("compare", *arguments)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert len(answer.stderr.splitlines()) == 1, answer.stderr
    assert words in answer.stderr


def test_boards_of_other_suites_are_refused(peephole, tmp_path):
    other = put(tmp_path / "other", [replace(cell, suite="cifar10/v1") for cell in cells()])
    answer = peephole("compare", "before", other)
    assert answer.returncode == 2
    assert "is of suite quick/v1" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_the_leaderboard_is_sorted_by_any_metric_the_best_first(peephole):
    answer = peephole("leaderboard", "before", "--sort", "restore", "--all", "--json")
    values = [row["restore"] for row in json.loads(answer.stdout)]
    assert values == sorted(values)
    answer = peephole("leaderboard", "before", "--sort", "spread")
    assert "spread" in answer.stdout
    assert "spread" not in peephole("leaderboard", "before").stdout
    assert "(square: completeness, restore)" in " ".join(answer.stdout.split())


def test_boards_are_compared_without_torch(place):
    check = (
        "import sys; from peephole.cli import app; from peephole.cli.compare import compare_command as c;"
        f"c({str(place / 'before')!r}, {str(place / 'after')!r}); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", check], check=False, capture_output=True).returncode == 0
