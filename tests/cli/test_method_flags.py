"""Methods on the command line, in this process: torch is imported once."""

import inspect
import json

import pytest
from typer.testing import CliRunner

from peephole.cli import app
from peephole.cli.run import run_command
from peephole.costs import passes_of
from peephole.errors import PeepholeError
from peephole.machine import BATCH


def test_the_batch_is_the_same_from_everywhere():
    assert inspect.signature(run_command).parameters["batch"].default == BATCH


def answer(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False).stdout


def test_attributions_are_listed_with_their_options():
    entries = {entry["name"]: entry for entry in json.loads(answer("list", "attributions", "--json"))}
    assert entries["smoothgrad"]["options"] == "samples=25, noise=0.15, squared=False, seed=0"
    assert entries["gradient"]["options"] == ""
    text = answer("list", "attributions")
    assert "method=deeplift, alpha=0.9" in text
    assert "smoothgrad" in text


def test_libraries_are_listed_with_their_version_or_how_to_install_them(monkeypatch):
    def status(library):
        if library == "zennit":
            raise PeepholeError("zennit is not installed")
        return "1.2.3"

    monkeypatch.setattr("peephole.attributions.adapters.installed.library_version", status)
    entries = {entry["name"]: entry for entry in json.loads(answer("list", "attributions", "--json"))}
    assert entries["captum:NAME"]["status"] == "Version 1.2.3 is installed."
    assert entries["zennit:NAME"]["status"] == "zennit is not installed"
    lines = answer("list", "attributions").splitlines()[-3:]
    assert lines[0] == "captum:NAME: methods of Captum. Version 1.2.3 is installed."
    assert lines[2] == "zennit:NAME: methods of Zennit. zennit is not installed"


def test_commas_in_parentheses_separate_no_methods(tmp_path):
    methods = "gradient, tif(gradient, 0.5),smoothgrad(samples=2, noise=0.1)"
    plan = json.loads(answer("run", "--dry-run", "--json", "--methods", methods, "--out", tmp_path / "out"))
    labels = [unit["label"] for unit in plan["plan"] if unit["kind"] == "maps"]
    assert [label for label in labels if label.endswith("square, seed 0")] == [
        "explain with gradient on square, seed 0",
        "explain with tif(gradient, 0.5) on square, seed 0",
        "explain with smoothgrad(samples=2, noise=0.1) on square, seed 0",
    ]


@pytest.mark.parametrize(
    ("methods", "words"),
    [
        ("gradient,tif(gradient, 1.5)", "alpha should be less than 1, not 1.5"),
        ("+captum:Salency", "Did you mean 'Saliency'"),
        ("+gradient,grad_cam", "give all of them one"),
    ],
)
def test_a_wrong_method_is_refused_before_anything_is_written(methods, words, tmp_path):
    with pytest.raises(PeepholeError, match=words):
        answer("run", "--methods", methods, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_dry_run_knows_what_a_method_costs():
    assert passes_of("gradient") == 1
    assert passes_of("smoothgrad(samples=10)") == pytest.approx(passes_of("smoothgrad") * 10 / 25)
    assert passes_of("tif(integrated_gradients, 0.7)") == passes_of("integrated_gradients")


@pytest.mark.parametrize("methods", ["", "  ", ","])
def test_no_method_is_not_all_methods(methods):
    with pytest.raises(PeepholeError, match="--methods names none"):
        run_command(methods=methods)
