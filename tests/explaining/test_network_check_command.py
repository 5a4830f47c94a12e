"""`peephole explain --check` and what `peephole list attributions` says of operations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.classifier import Classifier, Normalise
from peephole.cli import app
from peephole.datasets.imagenet import Imagenet
from peephole.datasets.shapes import Shapes
from peephole.errors import PeepholeError
from peephole.models.base import MODELS
from peephole.models.resnet8 import ResNet8

SHAPES = Shapes()

NETS = """
import torch
from torch import nn

def small(classes):
    body = (nn.Conv2d(3, 4, 3), nn.SiLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(*body, nn.Linear(4, classes))

def probabilities(classes):
    return nn.Sequential(small(classes), nn.Softmax(1))

def scripted(classes):
    return torch.jit.script(small(classes))

def of_batches(classes):
    return nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3, track_running_stats=False), small(classes))
"""


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "net.pt"
    with torch.random.fork_rng():
        torch.manual_seed(5)
        torch.save(Classifier(Normalise(SHAPES.mean, SHAPES.std), ResNet8().build(10)).state_dict(), path)
    return path


def call(*arguments: object) -> Any:
    return CliRunner().invoke(app, [*map(str, arguments)])


def test_a_model_is_checked(weights: Path) -> None:
    flags = ("explain", "--check", "--model", "resnet8", "--weights", weights, "--dataset", "shapes", "--device", "cpu")
    told = call(*flags, "--json")
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    assert found["pictures"] == "the first 4 test pictures"
    assert {"operation": "relu", "count": 7, "first": "stem.relu"} in found["operations"]
    assert found["layers"][0] == {"layer": "input", "shape": [3, 32, 32]}
    assert {rule["name"] for rule in found["rules"]} == set(ATTRIBUTIONS)
    assert not any(rule["refused"] or rule["failed"] for rule in found["rules"])
    (deeplift,) = (rule for rule in found["rules"] if rule["name"] == "deeplift")
    assert deeplift["kept_least"] == pytest.approx(1, abs=1e-3)
    shown = call(*flags)
    assert shown.exit_code == 0
    assert "a normalisation by fixed statistics" in shown.stdout


def test_a_network_on_which_rules_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "soft_nets.py").write_text(NETS, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    flags = ("--model", "soft_nets:small", "--weights", "own", "--dataset", "shapes", "--device", "cpu")
    told = call("explain", "test:3", "--check", *flags, "--json")
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    assert found["pictures"] == "test:3"
    rules = {rule["name"]: rule for rule in found["rules"]}
    assert "an activation that is no ReLU, '1' (SiLU)" in rules["guided_backprop"]["refused"]
    assert rules["gradient"]["refused"] is None
    assert "activation='any'" in call("explain", "--check", *flags).stdout.replace("\n", " ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--model", "bad_nets:probabilities", "--weights", "own"), "returns probabilities"),
        (("--model", "bad_nets:scripted", "--weights", "own"), "is a scripted module"),
        (("--model", "bad_nets:of_batches", "--weights", "own"), "decides on a picture by the others of its batch"),
        (("--model", "bad_nets:small"), "is not trained"),
        (("--model", "bad_nets:small", "--weights", "own", "--target", "3"), "--target is of the figure"),
        (("--model", "bad_nets:small", "--weights", "own", "--method", "gradient"), "--method is of the figure"),
        (("test:3000", "--model", "bad_nets:small", "--weights", "own"), "there is no test picture '3000'"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_what_cannot_be_checked_is_refused_in_one_line(
    arguments: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bad_nets.py").write_text(NETS, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        told = call("explain", "--check", "--dataset", "shapes", "--device", "cpu", *arguments)
    assert isinstance(told.exception, PeepholeError)
    assert message in str(told.exception)
    assert "\n" not in str(told.exception)


def test_where_there_are_no_pictures_they_are_drawn(tmp_path: Path) -> None:
    network = Classifier(Normalise(Imagenet.mean, Imagenet.std), MODELS["torchvision_resnet18"]().build(1000))
    torch.save(network.state_dict(), tmp_path / "net.pt")
    flags = ("--model", "torchvision_resnet18", "--weights", tmp_path / "net.pt", "--side", 64, "--device", "cpu")
    told = call("explain", "--check", *flags, "--json")
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    assert found["pictures"] == "4 random pictures"
    assert found["layers"][0]["shape"] == [3, 64, 64]
    rules = {rule["name"]: rule for rule in found["rules"]}
    assert not any(rule["refused"] or rule["failed"] for rule in rules.values())
    assert rules["deeplift"]["kept_least"] == pytest.approx(1, abs=1e-2)


def test_without_a_picture_there_is_nothing_to_draw() -> None:
    told = call("explain", "--model", "resnet8")
    assert told.exit_code != 0
    assert "IMAGE is missing" in str(told.exception) or "IMAGE is missing" in told.output


def test_the_list_says_what_rules_are_not_defined_on() -> None:
    entries = {entry["name"]: entry for entry in json.loads(call("list", "attributions", "--json").stdout)}
    assert entries["gradient"]["undefined"] == {}
    assert set(entries["guided_backprop"]["undefined"]) == {"activation", "opaque"}
    assert "activation='any'" in entries["guided_backprop"]["undefined"]["activation"]
    assert "not defined on" in call("list", "attributions").stdout
