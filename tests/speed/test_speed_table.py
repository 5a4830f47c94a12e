"""The command that times every layer at once: that it runs, and that its limits name rules."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from peephole.attributions.base import ATTRIBUTIONS

FOLDER = Path(__file__).parent


@pytest.fixture
def own_tasks(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    yield runpy.run_path(str(FOLDER / "own_tasks.py"))
    sys.modules.pop("work", None)


def test_limits_name_rules(own_tasks):
    for names in (own_tasks["AT_MOST"], own_tasks["SLOW"], own_tasks["HALF_OF_THE_PEER"]):
        assert set(names) <= set(ATTRIBUTIONS)
    assert own_tasks["TOGETHER"] not in ATTRIBUTIONS


@pytest.mark.slow
def test_it_measures_ours_and_the_libraries():
    small = ["--batch", "1", "--threads", "1", "--rounds", "2", "--device", "cpu", "--only", "grad_cam", "deeplift"]
    done = subprocess.run(
        [sys.executable, "-W", "error", str(FOLDER / "layers.py"), *small], capture_output=True, text=True, check=True
    )
    lines = {line.split("  ")[0]: line.split() for line in done.stdout.splitlines()[4:]}
    assert {"grad_cam", "deeplift", "captum LayerGradCam", "captum DeepLift"} <= set(lines)
    assert "≤" in lines["deeplift"]
    assert lines["deeplift"][-1] in {"holds", "EXCEEDED"}
    assert "≤" not in lines["captum DeepLift"]
    assert float(lines["captum LayerGradCam"][2]) > float(lines["grad_cam"][1]) > 0.5
