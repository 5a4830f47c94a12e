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
        started: when it was started, seconds since 1970: numbers are given again.
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
        if self.machine != _machine():
            return False
        try:
            process = psutil.Process(self.pid)
            return abs(process.create_time() - self.started) > 1 or process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True


def this_process() -> Owner:
    """The owner of the leases that this process holds."""
    return _owner(os.getpid())


@cache
def _owner(pid: int) -> Owner:
    """A process that was forked is another owner than the one it was forked from."""
    return Owner(platform.node(), _machine(), pid, psutil.Process(pid).create_time(), uuid.uuid4().hex)


@cache
def _machine() -> str:
    parts = [platform.node()]
    for path in (Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")):
        try:
            parts.append(str(path.readlink()) if path.is_symlink() else path.read_text(encoding="ascii").strip())
        except OSError:
            continue  # not a Linux: the name and the processes' times have to do
    return " ".join(parts)
