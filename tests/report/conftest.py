"""A finished run in small, whose folder tests may copy and spoil."""

import shutil
from functools import partial
from pathlib import Path

import pytest

import peephole
from peephole.datasets.shapes import Shapes
from peephole.machine import Machine
from peephole.runner import plan_run
from peephole.store.store import Store
from peephole.workspace import Workspace

OPTIONS = peephole.Options(
    seeds=1,
    samples=8,
    side=20,
    triggers=("square", "class_pair"),
    methods=("gradient", "grad_cam", "score_cam"),
    metrics=("completeness", "class_sensitivity", "morf", "lerf", "restore", "insert"),
)
COUNTS = {"train": 1800, "test": 200}


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The folder of a run without a report; not to be written to."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Shapes, "counts", COUNTS)
        result = peephole.run("quick", out=folder, options=OPTIONS, machine=Machine("cpu"), report=False)
    assert not result.outcome.failed
    assert result.report is None
    assert not (folder / "report").exists()
    return folder


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(Shapes, "counts", COUNTS)


@pytest.fixture
def again():
    """Do the same run once more."""
    return partial(peephole.run, "quick", options=OPTIONS, machine=Machine("cpu"))


@pytest.fixture
def options():
    """What the run was asked."""
    return OPTIONS


@pytest.fixture
def plan():
    return plan_run("quick", options=OPTIONS)


@pytest.fixture
def available(plan):
    return frozenset(unit.digest for unit in plan.units)


@pytest.fixture
def workspace(finished):
    return Workspace(Store(finished / "store"), Machine("cpu"))


@pytest.fixture
def copy(finished, tmp_path) -> Path:
    """A folder of the same run that may be spoilt."""
    return shutil.copytree(finished, tmp_path / "copy")
