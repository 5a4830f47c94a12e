"""Several processes of one machine, and what becomes of the work when they die."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import ClassVar

import psutil
import pytest
from sums import begun, one

from peephole.engines import slots
from peephole.engines.run import run_units
from peephole.engines.slots import Slots
from peephole.machine import Machine
from peephole.runner import Silent
from peephole.store.store import Store
from peephole.workspace import Workspace

HEAD = """
from test_slots import *
if __name__ == "__main__":
    units = [one(str(place), place, after=60, diary={diary!r}) for place in range(4)]
    run_units(units, workspace_in({folder!r}), Silent())
"""


def workspace_in(folder, workers=2, device="cpu"):
    return Workspace(Store(Path(folder) / "store"), Machine(device, workers=workers))


def folder_with(path, count):
    path.mkdir()
    for number in range(count):
        (path / str(number)).touch()
    return str(path)


def until(true, seconds=30):
    end = time.monotonic() + seconds
    while not (result := true()):
        assert time.monotonic() < end
        time.sleep(0.05)
    return result


def test_a_process_that_is_killed_costs_its_own_unit_only(tmp_path):
    diary = folder_with(tmp_path / "diary", 0)
    once = one("once", 1, kill=folder_with(tmp_path / "once", 1), diary=diary)
    always = one("always", 2, kill=folder_with(tmp_path / "always", 9), diary=diary)
    others = [one(str(place), place, after=0.2, diary=diary) for place in range(8)]
    outcome = run_units([once, *others, always, one("needs it", 3, {"a": always})], workspace_in(tmp_path), Silent())
    assert outcome.computed == (once, *others)
    assert [failure.reason for failure in outcome.failed] == ["its process died, 3 times; is there enough memory?"]
    assert [unit.label for unit in outcome.skipped] == ["needs it"]
    assert begun(diary) == {"once": 2, "always": 3, **{unit.label: 1 for unit in others}}
    assert not workspace_in(tmp_path).store.leases.alive()


@pytest.fixture
def head(tmp_path):
    """A process with two workers that are at their first units."""
    diary = folder_with(tmp_path / "diary", 0)
    script = tmp_path / "head.py"
    script.write_text(HEAD.format(diary=diary, folder=str(tmp_path)))
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    with subprocess.Popen([sys.executable, str(script)], stderr=subprocess.PIPE, text=True, env=environment) as process:
        yield process, tmp_path
        process.kill()


def workers_of(folder):
    """The processes that began a unit."""
    return [int(file.name.split("-")[1]) for file in (folder / "diary").iterdir()]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_workers_do_not_outlive_the_first_process(head, number):
    process, folder = head
    pids = until(lambda: found if len(found := workers_of(folder)) == 2 else None)
    process.send_signal(number)
    said = process.communicate(timeout=30)[1]
    until(lambda: not any(psutil.pid_exists(pid) for pid in pids))
    assert ("KeyboardInterrupt" in said) == (number == signal.SIGINT)
    assert not Store(folder / "store").leases.alive()
    assert workers_of(folder) == pids  # nothing else was begun


FAILING = """
import signal
from test_slots import *
def fail(number, frame):
    raise RuntimeError("something else")
if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, fail)
    units = [one(str(place), place, after=600, diary={diary!r}) for place in range(4)]
    run_units(units, workspace_in({folder!r}), Silent())
"""


def test_workers_are_ended_where_signals_are_ignored(tmp_path):
    """As in the background of a script that traps them: the first process ends its workers all the same."""
    diary = folder_with(tmp_path / "diary", 0)
    script = tmp_path / "head.py"
    script.write_text(FAILING.format(diary=diary, folder=str(tmp_path)))
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    ignoring = ["sh", "-c", "trap '' INT TERM; exec \"$@\"", "sh", sys.executable, str(script)]
    with subprocess.Popen(ignoring, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            pids = until(lambda: found if len(found := workers_of(tmp_path)) == 2 else None)
            process.send_signal(signal.SIGUSR1)
            said = process.communicate(timeout=60)[1]
        finally:
            process.kill()
    assert "RuntimeError: something else" in said
    until(lambda: not any(psutil.pid_exists(pid) for pid in pids))


@pytest.mark.parametrize(
    ("device", "there", "devices"),
    [
        ("cuda", ("cuda:0", "cuda:1"), ["cuda:0", "cuda:1", "cuda:0"]),
        ("cuda:1", ("cuda:1",), ["cuda:1"] * 3),
        ("cpu", ("cpu",), ["cpu"] * 3),
    ],
)
def test_each_process_has_a_device_and_its_share_of_the_threads(tmp_path, monkeypatch, device, there, devices):
    asked = []
    monkeypatch.setattr(slots, "device_names", lambda name: asked.append(name) or there)
    monkeypatch.setattr(slots, "thread_count", lambda: 7)
    monkeypatch.setattr(Slots, "_pool", lambda self: Pool(self._threads))
    with Slots(workspace_in(tmp_path, 3, device)) as found:
        kits = [found.submit([]).kit for _ in range(3)]
    assert asked == [device]
    assert [kit.machine.device for kit in kits] == devices
    assert {kit.machine.workers for kit in kits} == {1}
    assert [pool.threads for pool in Pool.made[-3:]] == [2, 2, 2]


class Pool:
    """Takes work, and never does it."""

    made: ClassVar[list] = []

    def __init__(self, threads):
        self.threads = threads
        Pool.made.append(self)

    def submit(self, errand, units, kit):
        self.kit = kit
        return self

    def add_done_callback(self, callback):
        """Never called."""

    def shutdown(self, cancel_futures=False):
        """Nothing to end."""
