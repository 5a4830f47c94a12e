"""Disks that are full or read-only, results to look at, and units that need no torch."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from peephole.store.folder import open_folder
from peephole.store.shard import Shard
from peephole.units.base import Cost, Unit

ENCODED = Path(__file__).parent / "encoded"


def mounted(*arguments):
    """Mount something, or skip the test where that is not allowed."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only the superuser may mount a disk")
    done = subprocess.run(["mount", *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")


@pytest.fixture
def small_disk(tmp_path):
    """An empty disk of two megabytes."""
    place = tmp_path / "small disk"
    place.mkdir()
    mounted("-t", "tmpfs", "-o", "size=2m", "tmpfs", place)
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def read_only(tmp_path):
    """Makes a folder read-only, for the superuser too."""
    places = []

    def make(folder):
        mounted("--bind", folder, folder)
        places.append(folder)
        mounted("-o", "remount,ro,bind", folder)
        return folder

    yield make
    for place in places:
        subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def results(tmp_path):
    """A folder of results whose store version 1 of the encoding wrote."""
    folder = open_folder(tmp_path / "results", create=True)
    shutil.copytree(ENCODED / "v1", folder / "store")
    return folder


@pytest.fixture
def command(capsys, monkeypatch):
    """The command line in this process: exit code, lines of standard output, lines of standard error."""
    from peephole.cli import main

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["peephole", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        return end.value.code or 0, out, err.splitlines()

    return run


class Total(Unit):
    """The spec's number and the sum of its inputs, a million times."""

    kind: ClassVar[str] = "total"
    version: ClassVar[int] = 1
    computed: ClassVar[list[str]] = []

    def cost(self):
        return Cost("resnet8", passes=0)

    def compute(self, workspace):
        Total.computed.append(self.label)
        total = self.spec["number"] + sum(int(workspace.read(unit).arrays["x"][0]) for unit in self.inputs.values())
        return Shard({"x": np.full(self.spec.get("length", 1), total)}, {"total": total})


@pytest.fixture
def total():
    """Makes units."""
    Total.computed.clear()

    def make(label, number, *, length=1, **inputs):
        return Total({"number": number, "length": length}, inputs, label=label)

    make.computed = Total.computed
    return make
