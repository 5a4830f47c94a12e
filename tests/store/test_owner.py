import os
import subprocess
import sys
from dataclasses import replace

import psutil
import pytest

from peephole.store import owner as owner_module
from peephole.store.owner import this_process


@pytest.fixture
def process():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def of(process):
    return replace(this_process(), pid=process.pid, started=owner_module._started(process.pid))


def test_who_is_here_is_not_gone(process):
    assert not this_process().is_gone
    assert not of(process).is_gone


def test_who_was_here_is_gone(process):
    owner = of(process)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE
    assert owner.is_gone
    process.wait()
    assert owner.is_gone


def test_another_process_with_the_number_is_another(process):
    assert replace(of(process), started=of(process).started - 5).is_gone


def test_of_other_machines_nothing_is_known(process):
    owner = replace(of(process), machine="another")
    process.kill()
    process.wait()
    assert not owner.is_gone


def test_a_clock_that_is_set_makes_nobody_another(process, monkeypatch):
    """psutil adds the time of the boot, which it computes from a clock that people set."""
    owner = of(process)
    monkeypatch.setattr(psutil, "boot_time", lambda: 0.0)
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: 0.0)
    assert not owner.is_gone


def test_a_process_that_is_kept_from_our_eyes_is_there(process, monkeypatch):
    owner = of(process)

    def hidden(pid):
        raise psutil.NoSuchProcess(pid)

    def refused(pid, number):
        raise PermissionError

    monkeypatch.setattr(psutil, "Process", hidden)
    monkeypatch.setattr(os, "kill", refused)
    assert not owner.is_gone


def test_a_fork_is_another_owner(tmp_path):
    code = "import os; from peephole.store.owner import this_process as me; a = me(); p = os.fork();" + (
        "print(a == me(), flush=True) if not p else (os.waitpid(p, 0), print(a == me()))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.split() == ["False", "True"]
