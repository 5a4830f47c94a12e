"""Nothing that lies in a folder of results has its code imported, whatever command reads the folder."""

import json
import shutil
import sys

import pytest
import typer

import peephole
from peephole import certificates
from peephole.cli import app, main
from peephole.datasets.shapes import Shapes
from peephole.machine import Machine

NAME = "strangers_nets"
MODEL = f"{NAME}:small"
NETS = """
from peephole.models.named import build

def small(classes):
    return build("resnet8", classes, 32)
"""
OPTIONS = peephole.Options(
    seeds=1, samples=8, epochs=1, triggers=("square",), methods=("gradient",), metrics=("completeness",), model=MODEL
)
METHOD = "def explain(model, x, target):\n    return x\n"
NONE_OF_RESULTS = {"new", "check", "list", "reproduce"}
"""Commands that read no folder of results."""
REFUSED = (
    ("verify", "DIR"),
    ("verify", "DIR", "--model", "resnet8"),
    ("verify", "DIR", "--model", f"{NAME}:other"),
    ("explain", "test:0", "--run", "DIR"),
    ("explain", "test:0", "--run", "DIR", "--trigger", "square"),
    ("explain", "--check", "--run", "DIR"),
    ("submit", "method.py", "--out", "DIR"),
    ("submit", "method.py", "quick", "--out", "DIR", "--dry-run"),
)
"""Commands that need the network; DIR is the folder."""
ALLOWED = (
    ("verify", "DIR", "--share", "0"),
    ("figure", "layer_curves", "DIR"),
    ("figure", "cascades(pictures=8)", "DIR"),
    ("figure", "heatmaps", "DIR"),
    ("report", "DIR"),
    ("leaderboard", "DIR", "--all"),
    ("compare", "gradient", "oracle", "--out", "DIR"),
    ("compare", "DIR", "DIR"),
    ("merge", "DIR", "--out", "merged"),
    ("run", "--out", "DIR", "--dry-run"),
    ("store", "ls", "DIR"),
    ("store", "check", "DIR", "--repair"),
    ("store", "gc", "DIR", "--unused", "--dry-run"),
    ("store", "export", "board.h5", "DIR"),
)
"""Commands that do what they can without it."""


@pytest.fixture(scope="module")
def small():
    """Few pictures, and no gates."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Shapes, "counts", {"train": 2000, "test": 200})
        patch.setattr(certificates, "failures", lambda certificate, gates: [])
        yield


@pytest.fixture(scope="module")
def original(small, tmp_path_factory):
    """A folder with the run of a network of one's own, beside its code."""
    place = tmp_path_factory.mktemp("stranger")
    (place / f"{NAME}.py").write_text(NETS)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        result = peephole.run("quick", out=place / "results", options=OPTIONS, machine=Machine("cpu"), report=False)
        sys.modules.pop(NAME)
    assert not result.outcome.failed
    return place


@pytest.fixture
def place(original, tmp_path, monkeypatch):
    """A copy, as the current folder: its module is the first that would be found."""
    copy = shutil.copytree(original, tmp_path / "stranger")
    (copy / "method.py").write_text(METHOD)
    monkeypatch.chdir(copy)
    yield copy
    sys.modules.pop(NAME, None)


def call(monkeypatch, *arguments):
    """The exit code of a command."""
    monkeypatch.setattr(sys, "argv", ["peephole", *arguments])
    try:
        main()
    except SystemExit as error:
        return error.code
    return 0


def test_every_command_that_reads_results_is_tried():
    there = typer.main.get_command(app).commands
    tried = {command[0] for command in (*REFUSED, *ALLOWED)}
    assert tried | NONE_OF_RESULTS == set(there)
    assert {command[1] for command in ALLOWED if command[0] == "store"} == set(there["store"].commands)


@pytest.mark.parametrize("command", [*REFUSED, *ALLOWED], ids=" ".join)
def test_no_command_imports_what_a_request_names(place, command, monkeypatch, capsys):
    code = call(monkeypatch, *("results" if word == "DIR" else word for word in command))
    said = capsys.readouterr()
    assert NAME not in sys.modules, said
    if command in REFUSED:
        assert code == 2
        assert f"--model {MODEL}" in said.err


@pytest.mark.parametrize("named", [f"{NAME}:small", f" {NAME} : small", "http.server:test", "this:s", "antigravity:x"])
@pytest.mark.parametrize(
    "command", [("verify", "results"), ("explain", "test:0", "--run", "results"), ("report", "results")], ids=" ".join
)
def test_a_request_that_was_edited_names_no_code(place, command, named, monkeypatch, capsys):
    path = place / "results" / "request.json"
    request = json.loads(path.read_text())
    request["options"]["model"] = named
    path.write_text(json.dumps(request))
    module = named.partition(":")[0].strip()
    there = module in sys.modules
    call(monkeypatch, *command)
    assert (module in sys.modules) == there, capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [
        ("verify", "results", "--share", "1", "--model", MODEL),
        ("explain", "test:0", "--run", "results", "--model", MODEL),
        ("explain", "--check", "--run", "results", "--model", f" {NAME} : small"),
    ],
    ids=" ".join,
)
def test_what_the_user_names_is_run(place, command, monkeypatch, capsys):
    assert call(monkeypatch, *command) == 0, capsys.readouterr()
    assert NAME in sys.modules
