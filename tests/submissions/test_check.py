"""`peephole.check` and `peephole check`: what a good method is told, and what programs read."""

import json
import math
import os
import subprocess
import sys
from functools import partial

import pytest
import torch
from bad_methods import GRADIENT, method
from in_process import in_process
from typer.testing import CliRunner

import peephole
from peephole.checking import check
from peephole.checks.base import CHECKS, in_order
from peephole.checks.comparison import TOLERANCE, apart, difference
from peephole.checks.subjects import subjects
from peephole.cli import app
from peephole.errors import PeepholeError
from peephole.submissions.limits import GIGA, Limits

NOISY = (
    method("noisy = x + 0.1 * torch.randn_like(x)\nreturn gradient(model, noisy, target)")
    + "explain.stochastic = True\n"
)
LAYERED = (
    GRADIENT
    + """
class Some:
    def layers(self, model):
        return model.layers[1:3]

    def attribute(self, model, x, target, layers):
        logits, kept = model.run(x.clone().requires_grad_(), keep=layers)
        score = logits.gather(1, target[:, None]).sum()
        return dict(zip(layers, torch.autograd.grad(score, [kept[layer] for layer in layers])))
"""
)
GOOD = {
    "a gradient": (method("return gradient(model, x, target)"), "method.py", ("input",), False),
    "a map without channels": (method("return gradient(model, x, target).sum(1)"), "method.py", ("input",), False),
    "an array of numpy": (method("return gradient(model, x, target).numpy()"), "method.py", ("input",), False),
    "random numbers, as it says": (NOISY, "method.py", ("input",), True),
    "a class with some layers": (LAYERED, "method.py:Some", ("stem", "layer1.0"), False),
    "a map that is still part of a graph": (
        method("return x.clone().requires_grad_() * gradient(model, x, target)"),
        "method.py",
        ("input",),
        False,
    ),
}


@pytest.mark.parametrize("what", GOOD)
def test_a_good_method_passes_without_a_warning(what, tmp_path, monkeypatch):
    code, target, layers, stochastic = GOOD[what]
    (tmp_path / "method.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    with in_process(monkeypatch):
        result = check(target, device="cpu")
    assert [(one.title, one.found) for one in result.findings if one.status != "passed"] == []
    assert result.passed
    assert result.layers == layers
    assert result.stochastic == stochastic
    assert result.ms_per_image > 0
    assert result.passes > 0


def test_options_reach_the_method_by_name_or_as_text(tmp_path, monkeypatch):
    (tmp_path / "method.py").write_text(
        method(
            "assert (samples, kind) == (4, 'mean')\nreturn gradient(model, x, target)",
            "model, x, target, samples=3, kind=0",
        )
    )
    monkeypatch.chdir(tmp_path)
    with in_process(monkeypatch):
        assert check("method.py", options=["samples=4", "kind=mean"], device="cpu").passed
        assert check("method.py", options={"samples": 4, "kind": "mean"}, device="cpu").passed
        assert "AssertionError" in check("method.py", device="cpu")["answers"].found


def test_a_file_beside_the_method_can_be_read(tmp_path, monkeypatch):
    (tmp_path / "method.py").write_text(
        "from pathlib import Path\n"
        + method(
            "text = (Path(__file__).parent / 'scale.txt').read_text()\nreturn float(text) * gradient(model, x, target)"
        )
    )
    (tmp_path / "scale.txt").write_text("2.5")
    monkeypatch.chdir(tmp_path)
    with in_process(monkeypatch):
        assert check("method.py", beside=["scale.txt"], device="cpu").passed
        assert "FileNotFoundError" in check("method.py", device="cpu")["answers"].found


def test_a_function_of_this_session_is_checked_as_it_is(monkeypatch):
    def scaled(factor, model, x, target):
        x = x.clone().requires_grad_()
        return factor * torch.autograd.grad(model(x).gather(1, target[:, None]).sum(), x)[0]

    with in_process(monkeypatch):
        result = peephole.check(partial(scaled, 2.0), name="scaled", device="cpu")
    assert result.passed
    assert result.name == "scaled"


def test_what_fails_at_first_is_not_reported_again(tmp_path, monkeypatch):
    (tmp_path / "method.py").write_text(GRADIENT + "raise OSError('no data')")
    monkeypatch.chdir(tmp_path)
    titles = []
    with in_process(monkeypatch):
        result = check("method.py:gradient", device="cpu", report=titles.append)
    assert [one.status for one in result.findings] == ["failed", *["skipped"] * (len(CHECKS.names()) - 1)]
    assert {one.found for one in result.findings[1:]} == {"as 'Loads' failed"}
    assert titles == [one.title for one in result.findings]
    assert "OSError: no data" in result["loads"].trace
    assert result.stochastic is None
    assert math.isnan(result.passes)
    assert result.as_json()["passes"] is None
    json.dumps(result.as_json(), allow_nan=False)


def test_a_fault_of_one_batch_size_is_the_fault_of_one_check(tmp_path, monkeypatch):
    (tmp_path / "method.py").write_text(method("assert len(x) != 6\nreturn gradient(model, x, target)"))
    monkeypatch.chdir(tmp_path)
    with in_process(monkeypatch):
        result = check("method.py", device="cpu")
    assert {one.check: one.status for one in result.findings if one.status != "passed"} == {
        "memory": "warning",
        "duration": "skipped",
    }


def test_a_device_that_is_not_there_is_refused(tmp_path, monkeypatch):
    (tmp_path / "method.py").write_text(method("return gradient(model, x, target)"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PeepholeError, match="cannot use device 'abacus'"):
        check("method.py", device="abacus")


def peephole_command(*arguments, folder):
    return subprocess.run(
        [sys.executable, "-m", "peephole", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def test_the_command_says_what_was_found_and_what_comes_next(tmp_path):
    (tmp_path / "method.py").write_text(method("torch.manual_seed(0)\nreturn gradient(model, x, target)"))
    answer = peephole_command("check", "method.py", "--device", "cpu", folder=tmp_path)
    assert answer.returncode == 0, answer.stderr
    lines = [line.strip() for line in answer.stdout.splitlines() if line.strip()]
    assert sum(line.startswith("✓") for line in lines) == len(CHECKS.names()) - 1
    (warning,) = [number for number, line in enumerate(lines) if line.startswith("!")]
    assert "Leaves the random states alone" in lines[warning]
    assert lines[warning + 1].startswith("why: ")
    assert lines[warning + 2].startswith("do: ")
    assert lines[-2].startswith("isolation: ")
    assert lines[-1] == "method passes: 22 checks, 1 warning; next: peephole submit method.py"


def test_the_command_fails_with_1_and_speaks_json(tmp_path, monkeypatch):
    (tmp_path / "method.py").write_text("import nowhere_to_be_found\ndef explain(model, x, target): ...\n")
    monkeypatch.chdir(tmp_path)
    with in_process(monkeypatch):
        answer = CliRunner().invoke(app, ["check", "method.py", "--json", "--seconds", "9.5", "--memory", "2.5"])
    assert answer.exit_code == 1
    said = json.loads(answer.stdout)
    assert not said["passed"]
    assert said["findings"][0]["status"] == "failed"
    assert "pip install nowhere_to_be_found" in said["findings"][0]["hint"]


def test_the_command_says_why_and_what_to_do_where_a_method_fails(tmp_path, monkeypatch):
    (tmp_path / "method.py").write_text(method("return 0 * gradient(model, x, target)", "model, x, target, scale=1"))
    monkeypatch.chdir(tmp_path)
    with in_process(monkeypatch):
        answer = CliRunner().invoke(app, ["check", "method.py", "--option", "scale=2", "--device", "cpu"])
    assert answer.exit_code == 1
    lines = [line.strip() for line in answer.stdout.splitlines() if line.strip()]
    failed = next(number for number, line in enumerate(lines) if line.startswith("✗"))
    assert "all 5 maps are zero everywhere" in lines[failed]
    assert lines[failed + 1] == f"why: {CHECKS['not_silent'].reason}"
    assert lines[-1].startswith("method does not pass: 1 check failed, 2 warnings, ")
    assert lines[-1].endswith("mend it and run peephole check method.py --option scale=2 again.")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["method.py", "--option", "samples"], "expected key=value"),
        (["method.py", "--with", "weights.pt"], "there is no weights.pt"),
        (["method.py", "--seconds", "0"], "the limit of seconds is 0"),
        (["method.py", "--memory", "-1"], "the limit of memory is -1"),
    ],
)
def test_the_command_refuses_what_is_no_input(arguments, words, tmp_path, monkeypatch):
    (tmp_path / "method.py").write_text(method("return x"))
    monkeypatch.chdir(tmp_path)
    answer = CliRunner().invoke(app, ["check", *arguments])
    assert isinstance(answer.exception, PeepholeError)
    assert words in str(answer.exception)
    assert answer.stdout == ""


def test_the_command_refuses_in_one_line_with_2(tmp_path):
    answer = peephole_command("check", "nowhere.py", folder=tmp_path)
    assert (answer.returncode, answer.stdout) == (2, "")
    (line,) = answer.stderr.splitlines()
    assert line.startswith("peephole: there is no file nowhere.py")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["grad_cam", "rectgrad", "lrp_z", "tif", "captum:DeepLift", "zennit:EpsilonPlus"])
def test_methods_that_are_known_to_be_right_pass(name):
    result = check(name if name != "tif" else "tif(deeplift, 0.9)", device="cpu", limits=Limits(memory=4 * GIGA))
    assert result.passed, [(one.title, one.found) for one in result.failed]


@pytest.mark.parametrize("name", CHECKS.names())
def test_a_check_says_what_it_is_for(name):
    one = CHECKS[name]
    for text in (one.title, one.reason, one.hint):
        assert text
        assert "\n" not in text
        assert not text.endswith(".")
    assert one.required in (True, False)


def test_the_order_of_checks_is_stated_once_each():
    orders = [CHECKS[name].order for name in in_order()]
    assert orders == sorted(set(orders))
    assert in_order()[:4] == ["loads", "signature", "layers", "answers"]


def test_difference_is_relative_to_each_pictures_map():
    a = {"one": torch.tensor([[[[1.0, -2.0]]], [[[100.0, 0.0]]]]), "two": torch.zeros(2, 1, 1, 2)}
    b = {"one": torch.tensor([[[[1.0, -2.0]]], [[[100.0, 1.0]]]]), "two": torch.zeros(2, 1, 1, 2)}
    assert difference(a, a)[0] == 0
    assert difference(a, b) == (pytest.approx(0.01), "one")
    b["one"] = a["one"].clone()
    b["one"][0, 0, 0, 0] = 1.5
    assert difference(a, b) == (pytest.approx(0.5 / 2), "one")
    assert difference(b, a) == difference(a, b)


def test_a_map_of_rounding_errors_beside_a_large_one_is_not_measured_by_itself():
    a = {"one": torch.tensor([[[[1e-9]]], [[[1.0]]]])}
    b = {"one": torch.tensor([[[[-1e-9]]], [[[1.0]]]])}
    assert difference(a, b)[0] < TOLERANCE


def test_what_is_apart_is_said_in_percent():
    assert apart(0) == "are the same"
    assert apart(1.5) == "differ by 150 % of a map's largest value"
    assert apart(7e-7) == "differ by 7e-05 % of a map's largest value"
    assert apart(math.inf) == "have another size"


def test_subjects_are_the_same_every_time_and_leave_the_random_state_alone():
    state = torch.get_rng_state()
    first, second = subjects(torch.device("cpu")), subjects(torch.device("cpu"))
    assert torch.equal(torch.get_rng_state(), state)
    for name, one in first.items():
        assert torch.equal(one.x, second[name].x)
        assert torch.equal(one.network(one.x), second[name].network(one.x))
        assert 0 <= one.x.min() < one.x.max() <= 1
        assert one.network(one.x).shape == (len(one.x), one.classes)
        assert set(one.target().tolist()) == set(range(one.classes))
    plain, retrained = first["plain"], first["retrained"]
    assert not torch.allclose(plain.network(plain.x), retrained.network(plain.x))
    assert first["resized"].x.shape[2] != first["resized"].x.shape[3]


@pytest.mark.slow
def test_a_library_that_loads_torchs_compiler_patches_nothing(tmp_path, monkeypatch):
    (tmp_path / "method.py").write_text(method("import torch._dynamo\nreturn gradient(model, x, target)"))
    monkeypatch.chdir(tmp_path)
    result = check("method.py", device="cpu")
    assert result["leaves_torch"].status == "passed", result["leaves_torch"].found
    assert result.passed


def test_rounding_that_a_method_amplifies_is_warned_of(tmp_path, monkeypatch):
    """A map that changes by a thousandth with the size of the batch; by a tenth, it is a fault."""
    (tmp_path / "method.py").write_text(
        method("return gradient(model, x, target) * (1 + share * (len(x) == 1))", "model, x, target, share=1e-3")
    )
    monkeypatch.chdir(tmp_path)
    with in_process(monkeypatch):
        small = check("method.py", device="cpu")
        large = check("method.py", options={"share": 0.1}, device="cpu")
    assert small["batch_invariant"].status == "warning"
    assert "rounding" in small["batch_invariant"].hint
    assert small.passed
    assert large["batch_invariant"].status == "failed"
    assert not large.passed
