"""Time as the file system of a store tells it: that of two machines need not agree."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Protocol

from peephole.store.owner import this_process

TRUST = 30.0
"""Seconds for which a look at the file system's time is carried on by counting."""


class Clock(Protocol):
    """Time as a file system has it."""

    def now(self) -> float:
        """Seconds since 1970."""
        ...

    def changed(self, path: Path) -> float:
        """When a file was last written.

        Raises:
            FileNotFoundError: there is none.
        """
        ...


class FileClock:
    """The time stamps of the file system that ``folder`` is on.

    A file is written for them every `TRUST` seconds at most: thousands of questions must not be thousands of files. In
    between, the time that passes here is added. A machine that sleeps counts too little of it, and then takes others
    for younger than they are: it leaves alone what it might have taken.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._looked: tuple[float, float] | None = None

    def now(self) -> float:
        """Seconds since 1970, as a file that is written now gets them.

        Raises:
            OSError: no file can be written.
        """
        if self._looked is None or time.monotonic() - self._looked[1] > TRUST:
            self._looked = self._look(), time.monotonic()
        stamp, then = self._looked
        return stamp + time.monotonic() - then

    def _look(self) -> float:
        self._folder.mkdir(parents=True, exist_ok=True)
        own = self._folder / f".clock-{this_process().token}"
        descriptor = os.open(own, os.O_CREAT | os.O_WRONLY, 0o644)
        try:
            os.write(descriptor, b".")  # a thread beside this one may have made the file a while ago
            return os.fstat(descriptor).st_mtime
        finally:
            os.close(descriptor)
            own.unlink(missing_ok=True)

    def changed(self, path: Path) -> float:
        """When a file was last written. It is opened, so that a network file system asks its server."""
        with path.open("rb") as file:
            return os.fstat(file.fileno()).st_mtime
