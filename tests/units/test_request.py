"""What a run was asked comes back as it was."""

import json
from dataclasses import fields
from pathlib import Path

import pytest

from peephole.errors import PeepholeError
from peephole.models.weights import KnownFile
from peephole.options import Options
from peephole.request import REQUEST, Request, read_request, request_of, write_request
from peephole.runner import plan_run

EXAMPLES = {
    "triggers": ("square", "badnet(pattern=checkerboard)"),
    "methods": ("+tif(grad_cam, 0.5)",),
    "metrics": ("+morf(baseline=blur)",),
    "layers": ("input", "layer3.0"),
    "seeds": 2,
    "samples": 30,
    "epochs": 0.5,
    "batch_size": 32,
    "necessary": True,
    "dataset": "cifar10",
    "side": 64,
    "model": "resnet18",
    "weights": KnownFile("0" * 64),
    "held_out": 3,
}
"""A value for every option that is not its default."""


def back(request: Request, folder: Path) -> Request:
    write_request(request, folder)
    return read_request(folder)


@pytest.mark.parametrize("name", [field.name for field in fields(Options)])
def test_every_option_comes_back(name, tmp_path):
    assert name in EXAMPLES, f"add the new option {name} to EXAMPLES"
    options = Options(**{name: EXAMPLES[name]})
    assert getattr(options, name) != getattr(Options(), name)
    assert back(Request("quick/v1", options, {"torch": "2"}), tmp_path) == Request("quick/v1", options, {"torch": "2"})


def test_all_options_together_and_none(tmp_path):
    options = Options(**{field.name: EXAMPLES[field.name] for field in fields(Options)})
    for each in (options, Options()):
        assert back(Request("cifar10/v1", each), tmp_path).options == each


def test_what_is_read_plans_the_same_units(tmp_path):
    options = Options(triggers=("x", "square"), methods=("gradient",), seeds=1, samples=8, epochs=1)
    plan = plan_run("quick", options=options)
    request = back(request_of(plan, options), tmp_path)
    assert request.suite == "quick/v1"
    assert request.versions["peephole"]
    again = plan_run(request.suite, options=request.options)
    assert [unit.digest for unit in again.units] == [unit.digest for unit in plan.units]


def test_a_file_of_weights_is_known_by_its_content_and_its_place_is_not_told(tmp_path):
    file = tmp_path / "secret-place.pt"
    file.write_bytes(b"weights")
    options = Options(triggers=("square",), methods=("gradient",), weights=file)
    plan = plan_run("quick", options=options)
    request = back(request_of(plan, options), tmp_path)
    file.unlink()
    again = plan_run("quick", options=request.options)
    assert again.suite.identifier == plan.suite.identifier
    assert [unit.digest for unit in again.units] == [unit.digest for unit in plan.units]
    assert "secret" not in (tmp_path / REQUEST).read_text()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": 99}, "is peephole request version 99, this version of peephole reads peephole request version 1"),
        ({"options": {"hovercraft": 1}}, r"has the option hovercraft, .* use the one that wrote it \(7\.0\)"),
        ({"options": {"seeds": "three"}}, "is damaged .seeds: "),
        ({"options": None}, "is damaged"),
        ({"suite": 5}, "is damaged"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(change, words, tmp_path):
    write_request(Request("quick/v1", Options(), {"peephole": "7.0"}), tmp_path)
    content = json.loads((tmp_path / REQUEST).read_text())
    (tmp_path / REQUEST).write_text(json.dumps({**content, **change}))
    with pytest.raises(PeepholeError, match=words) as caught:
        read_request(tmp_path)
    assert "\n" not in str(caught.value)


def test_no_request_and_no_json(tmp_path):
    with pytest.raises(PeepholeError, match=r"has no request\.json, .* once more"):
        read_request(tmp_path)
    (tmp_path / REQUEST).write_text("{")
    with pytest.raises(PeepholeError, match="cannot read"):
        read_request(tmp_path)
    (tmp_path / REQUEST).write_text("[]")
    with pytest.raises(PeepholeError, match="is None version None"):
        read_request(tmp_path)
