"""Who is at work: a process, so named that others can tell whether it is still there."""

from __future__ import annotations

import os
import platform
import uuid
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Owner:
    """A process.

    Attributes:
        host: its machine's name, for people.
        machine: tells machines, boots of one and containers on one apart: process numbers mean something inside only.
        pid: its number there.
        started: when it was started, in seconds by `_started`: numbers are given again.
        token: of its own, drawn when it first asked for a lease.
    """

    host: str
    machine: str
    pid: int
    started: float
    token: str

    @property
    def is_gone(self) -> bool:
        """Whether its end is certain: it was on this machine and is here no more. Of others' nothing is known."""
        return self.machine == _machine() and not _may_be_there(self.pid, self.started)


def this_process() -> Owner:
    """The owner of the leases that this process holds."""
    return _owner(os.getpid())


@cache
def _owner(pid: int) -> Owner:
    """A process that was forked is another owner than the one it was forked from."""
    return Owner(platform.node(), _machine(), pid, _started(pid), uuid.uuid4().hex)


def _may_be_there(pid: int, started: float) -> bool:
    try:
        process = psutil.Process(pid)
        return abs(_started(pid) - started) < 1 and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
        return _is_hidden(pid)


def _started(pid: int) -> float:
    """When a process was started, in seconds; counted from the boot where the system does so.

    The seconds since 1970 of a process's start change whenever the machine's clock is set.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return psutil.Process(pid).create_time()
    ticks = stat.rpartition(")")[2].split()[19]  # the 22nd field; the second is a name and may hold anything
    return int(ticks) / os.sysconf("SC_CLK_TCK")


def _is_hidden(pid: int) -> bool:
    """Whether there is such a process, of another user and kept from our eyes (``hidepid``)."""
    if os.name != "posix":
        return False
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except ProcessLookupError:
        return False
    return False


@cache
def _machine() -> str:
    parts = [platform.node()]
    for path in (Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")):
        try:
            parts.append(str(path.readlink()) if path.is_symlink() else path.read_text(encoding="ascii").strip())
        except OSError:
            parts.append(f"{uuid.getnode():x}")  # not a Linux: that and the processes' times have to do
    return " ".join(parts)
