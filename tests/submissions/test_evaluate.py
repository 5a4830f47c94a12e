"""From a method to its row: `peephole.evaluate`, on a small run."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import peephole
from peephole import evaluation
from peephole.checking import CheckResult
from peephole.cli import app
from peephole.datasets.shapes import Shapes
from peephole.errors import PeepholeError
from peephole.leaderboard.tables import read_csv
from peephole.machine import Machine
from peephole.request import read_request
from peephole.submissions.failure import SubmissionError
from peephole.submissions.folder import stored
from peephole.turns import LOCK

OPTIONS = peephole.Options(
    seeds=1,
    samples=8,
    triggers=("square",),
    methods=("gradient",),
    metrics=("completeness", "sanity_top_down"),
    epochs=2,
)
GRADIENT = """
import torch

def explain(model, x, target):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(model(x).gather(1, target[:, None]).sum(), x)[0]
"""
LATE = GRADIENT.replace("    x =", "    calls.append(1)\n    assert len(calls) < 3, 'enough of it'\n    x =")


@pytest.fixture(scope="module", autouse=True)
def small():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Shapes, "counts", {"train": 2500, "test": 500})
        # So little training misses the gates; what is not certified is not ranked.
        patch.setattr("peephole.certificates.passes", lambda certificate, gates: True)
        yield


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """A finished run."""
    folder = tmp_path_factory.mktemp("reference") / "results"
    peephole.run("quick", out=folder, options=OPTIONS, machine=Machine("cpu"))
    return folder


@pytest.fixture
def results(reference, tmp_path):
    """A copy of it."""
    return shutil.copytree(reference, tmp_path / "results")


@pytest.fixture
def unchecked(monkeypatch):
    """Without the check before, which has tests of its own and takes its time."""

    def fine(submission, device="auto"):
        return CheckResult(submission.name, "", "", submission.digest, (), "", False, (), 1.0, 1.0, 0, 0.0)

    monkeypatch.setattr(evaluation, "checked", fine)


def method_file(folder, code=GRADIENT, name="mine"):
    path = folder / f"{name}.py"
    path.write_text(code)
    return str(path)


def everything(folder):
    """What lies in a folder, but its store."""
    return {
        path.relative_to(folder): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and not {"store", "logs"} & set(path.relative_to(folder).parts) and path.name != LOCK
    }


def test_what_is_submitted_while_a_run_computes_is_on_its_board(results, tmp_path):
    from peephole.evaluation import staged
    from peephole.runner import run_with

    with staged(method_file(tmp_path)) as mine:
        given = iter([(), (mine,)])
        options = replace(OPTIONS, methods=("gradient", "input_x_gradient"))
        result = run_with(lambda: next(given), "quick", out=results, options=options, machine=Machine("cpu"))
    assert {"gradient", "input_x_gradient", "mine"} <= set(result.leaderboard["method"])
    assert any(unit.spec.get("method") == "input_x_gradient" for unit in result.outcome.computed)


def test_a_board_that_was_written_meanwhile_is_not_written_over(results, tmp_path, unchecked):
    with evaluation.staged(method_file(tmp_path)) as mine:
        entry = evaluation.enter(mine, None, None, results)
        (results / "request.json").write_bytes((results / "request.json").read_bytes() + b" ")
        before = everything(results)
        with pytest.raises(PeepholeError, match="another command has written a board"):
            evaluation.compute(entry, None, machine=Machine("cpu"))
    assert everything(results) == before


def test_a_row_beside_the_reference_rows(results, tmp_path):
    before = read_csv(results / "leaderboard.csv")
    result = peephole.evaluate(method_file(tmp_path), out=results, machine=Machine("cpu"))
    board = read_csv(results / "leaderboard.csv")
    assert result.name == "mine"
    assert set(board["method"]) == {*before["method"], "mine"}
    assert result.check.passed
    # The suite and its options are those of the run, and nothing else was computed again.
    assert read_request(results).options == OPTIONS
    assert {unit.spec["method"] for unit in result.run.outcome.computed if "method" in unit.spec} == {"submission"}
    # It is the benchmark's own gradient, to the picture, but for the normalisation that lies between.
    own, theirs = (
        board[(board["method"] == name) & (board["layer"] == "input")].iloc[0] for name in ("gradient", "mine")
    )
    assert theirs["completeness"] == pytest.approx(own["completeness"], abs=0.05)
    assert result.rank == theirs["rank"]
    assert result.best_layer == "input"
    assert str(result.rank) in result.sentence
    assert (result.scores["submission"] != "").all()
    # Once more costs nothing, and a later run keeps it on the board.
    again = peephole.run("quick", out=results, options=OPTIONS, machine=Machine("cpu"))
    assert not again.outcome.computed
    assert "mine" in set(again.leaderboard["method"])


@pytest.mark.usefixtures("unchecked")
def test_what_fails_on_the_way_leaves_the_board_as_it_was(results, tmp_path):
    before = everything(results)
    with pytest.raises(SubmissionError, match=r"AssertionError: enough of it \(mine.py, line 7") as caught:
        peephole.evaluate(method_file(tmp_path, "calls = []\n" + LATE), out=results, machine=Machine("cpu"))
    assert "\n" not in str(caught.value)
    assert everything(results) == before
    assert not stored(results)
    again = peephole.run("quick", out=results, options=OPTIONS, machine=Machine("cpu"))
    assert not again.outcome.computed


COMPARING = GRADIENT.replace(
    "    return", "    if len(x) > 5: return (x.std(0).amax(0) < 1e-6).float().expand(len(x), 1, -1, -1)\n    return"
)


@pytest.mark.usefixtures("unchecked")
def test_who_compares_the_pictures_of_a_batch_is_found_out(results, tmp_path):
    before = everything(results)
    with pytest.raises(SubmissionError, match="another map when it is alone"):
        peephole.evaluate(method_file(tmp_path, COMPARING), out=results, machine=Machine("cpu"))
    assert everything(results) == before


@pytest.mark.usefixtures("unchecked")
def test_folders_may_be_relative_and_later_runs_find_the_code(results, tmp_path, monkeypatch):
    monkeypatch.chdir(results.parent)
    peephole.evaluate(method_file(tmp_path), out=results.name, machine=Machine("cpu"))
    shutil.rmtree(results / "store" / "maps")
    again = peephole.run("quick", out=results.name, options=OPTIONS, machine=Machine("cpu"))
    assert not again.outcome.failed
    assert "mine" in set(again.leaderboard["method"])


@pytest.mark.usefixtures("unchecked")
def test_another_suite_or_other_options_need_another_folder(results, tmp_path):
    before = everything(results)
    for given in ({"suite": "cifar10"}, {"options": peephole.Options(seeds=1)}):
        with pytest.raises(peephole.PeepholeError, match="give another folder"):
            peephole.evaluate(method_file(tmp_path), out=results, machine=Machine("cpu"), **given)
    assert everything(results) == before


@pytest.mark.usefixtures("unchecked")
def test_objects_of_this_process_are_evaluated_too(results):
    scale = 2.0

    def doubled(model, x, target):
        x = x.clone().requires_grad_()
        return scale * torch.autograd.grad(model(x).gather(1, target[:, None]).sum(), x)[0]

    result = peephole.evaluate(doubled, name="doubled", out=results, machine=Machine("cpu"))
    assert result.name == "doubled"
    assert np.isfinite(result.score)


@pytest.mark.usefixtures("unchecked")
def test_the_same_name_replaces_and_the_same_method_is_refused(results, tmp_path):
    target = method_file(tmp_path)
    first = peephole.evaluate(target, out=results, machine=Machine("cpu"))
    with pytest.raises(peephole.PeepholeError, match=r"on the board in .* as mine"):
        peephole.evaluate(target, name="other", out=results, machine=Machine("cpu"))
    method_file(tmp_path, GRADIENT.replace("return ", "return -"))
    second = peephole.evaluate(target, out=results, machine=Machine("cpu"))
    (kept,) = stored(results)
    assert kept.name == "mine"
    assert first.score != second.score


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": "oracle"}, "calibration row of the benchmark"),
        ({"name": "grad-cam"}, "method of the benchmark"),
        ({"name": "<b>"}, "cannot stand on a board"),
        ({"share": 0}, "share of the pictures is 0"),
        ({"method_options": {"samples": 3}}, "has no option 'samples'"),
        ({"options": peephole.Options(held_out=5)}, "give another folder"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(results, tmp_path, given, words):
    before = everything(results)
    with pytest.raises(peephole.PeepholeError, match=words) as caught:
        peephole.evaluate(method_file(tmp_path), out=results, machine=Machine("cpu"), **given)
    assert "\n" not in str(caught.value)
    assert everything(results) == before


def test_a_changed_copy_of_a_submission_is_not_trusted(results, tmp_path, monkeypatch):
    with evaluation.staged(method_file(tmp_path)) as one:
        kept = evaluation.keep(one, results)
    assert kept == replace(one, source=kept.source)
    assert stored(results) == (kept,)
    (kept.source / "mine.py").write_text("def explain(model, x, target): return x")
    with pytest.raises(peephole.PeepholeError, match="changed after it was submitted"):
        stored(results)


EXAMPLES = Path(__file__).parents[2] / "examples"
THIRD_PARTY = (
    *("captum:IntegratedGradients", "captum:GuidedBackprop", "captum:Occlusion"),
    *("zennit:EpsilonPlus", "grad-cam:GradCAM"),
)


@pytest.mark.slow
@pytest.mark.parametrize("target", [*THIRD_PARTY, *(f"examples/{path.name}" for path in sorted(EXAMPLES.glob("*.py")))])
def test_methods_of_others_get_rows_by_one_command_each(results, target, monkeypatch):
    monkeypatch.chdir(EXAMPLES.parent)
    found = CliRunner().invoke(app, ["submit", target, "--out", str(results), "--device", "cpu", "--json"])
    assert found.exit_code == 0, found.output
    answer = json.loads(found.stdout)
    assert answer["rank"] >= 1
    assert answer["name"] in set(read_csv(results / "leaderboard.csv")["method"])


def test_what_the_command_refuses_is_one_line_and_exit_code_2(tmp_path, results):
    command = ["submit", str(tmp_path / "nowhere.py"), "--out", str(results)]
    found = CliRunner().invoke(app, command)
    assert isinstance(found.exception, peephole.PeepholeError)
    assert "there is no file" in str(found.exception)
