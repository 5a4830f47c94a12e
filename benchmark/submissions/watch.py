"""What a submission's processes use, looked at again and again; and how they are ended; torch-free."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from typing import IO

import psutil

from peephole.submissions.limits import GIGA, Limits

EVERY = 0.1
"""Seconds between looks."""
SHOWN = 2_000
"""Bytes of the last output that are kept to be shown."""


class Watch:
    """Looks after a process and all that it starts, from a thread, and ends them when they use too much.

    Args:
        process: started with its output in a pipe.
        limits: what it may use.

    Attributes:
        verdict: why it was ended, as the end of a sentence; None while nothing was wrong.
        peak: bytes of memory, of all its processes together, at most.
    """

    def __init__(self, process: subprocess.Popen[bytes], limits: Limits) -> None:
        self.verdict: str | None = None
        self.peak = 0
        self._process, self._limits = process, limits
        self._over = threading.Event()
        self._printed = 0
        self._last = b""
        assert process.stdout is not None
        self._threads = [
            threading.Thread(target=self._look, daemon=True),
            threading.Thread(target=self._read, args=(process.stdout,), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def last_output(self) -> str:
        """The last line that it printed; empty if there is none."""
        lines = self._last.decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def end(self, verdict: str | None = None) -> None:
        """End all its processes."""
        if verdict is not None and self.verdict is None:
            self.verdict = verdict
        self._over.set()
        _kill(self._process)

    def close(self) -> None:
        """End all its processes and wait until they are gone."""
        self.end()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(5)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _look(self) -> None:
        while not self._over.wait(EVERY):
            try:
                root = psutil.Process(self._process.pid)
                there = [root, *root.children(recursive=True)]
            except psutil.Error:
                return
            if len(there) > self._limits.processes + 3:  # what keeps it apart is up to three of them
                self.end(f"ran more than {self._limits.processes} processes at once")
                return
            if sum(map(_threads, there)) > self._limits.threads:
                self.end(f"ran more than {self._limits.threads} threads at once")
                return
            memory = sum(map(_resident, there))
            if memory > self._limits.memory:
                memory = sum(map(_own_share, there))
            self.peak = max(self.peak, memory)
            if memory > self._limits.memory:
                self.end(f"used more than the {self._limits.memory / GIGA:.3g} GiB of memory that it may")

    def _read(self, output: IO[bytes]) -> None:
        with contextlib.suppress(ValueError, OSError):  # closed while reading
            while data := os.read(output.fileno(), 65536):
                self._printed += len(data)
                self._last = (self._last + data)[-SHOWN:]
                if self._printed > self._limits.output:
                    self.end(f"printed more than the {self._limits.output} bytes that it may")
                    return


def _threads(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return int(process.num_threads())
    return 0


def _resident(process: psutil.Process) -> int:
    """Bytes that it has in memory."""
    with contextlib.suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def _own_share(process: psutil.Process) -> int:
    """The same, of what it shares with others its part only, as after a fork. Finding out takes many milliseconds."""
    with contextlib.suppress(psutil.Error, AttributeError):
        return int(process.memory_full_info().pss)
    return _resident(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Stop everything first, so that nothing is started while the rest is ended."""
    for blow in (signal.SIGSTOP, signal.SIGKILL):
        for one in _family(process.pid):
            with contextlib.suppress(psutil.Error):
                one.send_signal(blow)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(10)


def _family(pid: int) -> list[psutil.Process]:
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.Error:
        return []
