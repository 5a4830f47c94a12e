"""The command line in a process of its own, as a user meets it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


def peephole(*arguments, **keywords):
    command = [sys.executable, "-m", "peephole", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **keywords)


def refused(*arguments):
    """The one line that a user's mistake is answered with."""
    answer = peephole(*arguments)
    assert answer.returncode == 2, answer.stderr
    assert answer.stdout == ""
    lines = answer.stderr.splitlines()
    assert len(lines) == 1, answer.stderr
    assert lines[0].startswith("peephole: ")
    return lines[0]


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["run"],
        ["new"],
        ["check"],
        ["leaderboard"],
        ["compare"],
        ["merge"],
        ["report"],
        ["verify"],
        ["reproduce"],
        ["explain"],
        ["figure"],
        ["list"],
    ],
)
def test_every_command_has_help_that_shows_how(command):
    answer = peephole(*command, "--help")
    assert answer.returncode == 0
    assert "peephole" in answer.stdout
    assert not command or "Examples:" in answer.stdout


def test_no_arguments_show_the_help():
    assert "peephole run" in peephole().stdout


def test_the_version_is_printed():
    assert peephole("--version").stdout.startswith("peephole 0.")


@pytest.mark.parametrize("kind", ["triggers", "attacks", "attributions", "metrics", "suites", "datasets", "models"])
def test_lists_are_not_empty_and_say_what_things_are(kind):
    entries = json.loads(peephole("list", kind, "--json").stdout)
    assert entries
    assert all(entry["name"] and entry["title"] for entry in entries)


def test_a_list_for_people():
    text = peephole("list", "triggers").stdout
    assert "class_pair" in text
    assert "White square" in text


def test_an_unknown_kind_is_told_what_exists():
    assert "Did you mean 'triggers'" in refused("list", "trigers")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["quik"], "unknown suite 'quik'. Did you mean 'quick'"),
        (["--triggers", "sqare"], "unknown trigger 'sqare'. Did you mean 'square'"),
        (["--methods", "gradcam"], "unknown attribution 'gradcam'. Did you mean 'grad_cam'"),
        (["--model", "resnet9"], "unknown model 'resnet9'"),
        (["--methods", "smoothgrad(sample=3)"], "there is no option sample; smoothgrad takes samples=25"),
        (["--methods", "tif(gradient"], "cannot be read; write it like"),
        (["--seeds", "0"], "--seeds must be above 0"),
        (["--held-out", "-1"], "--held-out must be at least 0 and below 2**63, not -1."),
        (["--batch", "0"], "--batch must be above 0, not 0"),
        (["--batch", "-1", "--dry-run"], "--batch must be above 0, not -1"),
        (["--device", "abacus"], "cannot use device 'abacus'"),
        (["--weights", "nowhere.pt"], "no file of weights at nowhere.pt"),
        (["--weights", __file__], "is no file of weights"),
        (["cifar10"], "PEEPHOLE_DATA"),
        (["cifar10", "--data", "nowhere"], "nowhere"),
    ],
)
def test_bad_input_to_run_is_one_line_and_leaves_nothing(arguments, words, tmp_path):
    assert words in refused("run", *arguments, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_foreign_folder_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("…")
    assert "not empty" in refused("run", "--out", tmp_path)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_folder_without_results_has_no_board(tmp_path):
    assert "holds no results" in refused("leaderboard", tmp_path)


def test_a_dry_run_plans_and_writes_nothing(tmp_path):
    answer = peephole("run", "--dry-run", "--json", "--out", tmp_path / "out")
    plan = json.loads(answer.stdout)
    assert plan["units"] == len(plan["plan"]) > 50
    assert plan["cached"] == 0
    assert plan["estimated_seconds"] > 10
    assert plan["estimated_bytes"] > 1e6
    assert not Path(tmp_path / "out").exists()
