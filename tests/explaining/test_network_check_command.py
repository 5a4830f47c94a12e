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
from peephole.datasets.shapes import Shapes
from peephole.models.resnet8 import ResNet8

SHAPES = Shapes()


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
    (tmp_path / "soft_nets.py").write_text(
        "from torch import nn\ndef small(classes):\n"
        "    body = (nn.Conv2d(3, 4, 3), nn.SiLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())\n"
        "    return nn.Sequential(*body, nn.Linear(4, classes))\n",
        encoding="utf-8",
    )
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
