"""Processes of this machine, each pinned to a device."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing.connection import wait
from queue import SimpleQueue
from types import TracebackType

from peephole.devices import device_names
from peephole.engines.errand import Kit, run_errand
from peephole.engines.report import Report
from peephole.machine import thread_count
from peephole.units.base import Unit
from peephole.workspace import Workspace

DEATHS = (BrokenProcessPool,)
"""What tells that a process has ended."""
GRACE = 30.0
"""Seconds for a training to save its state when the first process is gone."""


class Slots:
    """As many processes as the machine has workers, each computing one group at a time.

    A process that dies takes down its own group only; another takes its place.

    Args:
        workspace: what a process needs is made of the same.
    """

    def __init__(self, workspace: Workspace) -> None:
        machine = workspace.machine
        names = device_names(machine.device)
        self._threads = max(1, thread_count() // machine.workers)
        self._kits = [Kit.of(workspace).on(names[place % len(names)]) for place in range(machine.workers)]
        self._pools = [self._pool() for _ in self._kits]
        self._free: SimpleQueue[int] = SimpleQueue()
        for place in range(machine.workers):
            self._free.put(place)

    def submit(self, units: Sequence[Unit]) -> Future[Report]:
        """Have a group computed by a process that is free, or the next that becomes so."""
        place = self._free.get()
        try:
            future = self._pools[place].submit(run_errand, units, self._kits[place])
        except BrokenProcessPool:
            self._pools[place].shutdown()
            self._pools[place] = self._pool()
            future = self._pools[place].submit(run_errand, units, self._kits[place])
        future.add_done_callback(lambda done: self._free.put(place))
        return future

    def __enter__(self) -> Slots:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            for process in multiprocessing.active_children():
                process.terminate()
        for pool in self._pools:
            pool.shutdown(cancel_futures=True)

    def _pool(self) -> ProcessPoolExecutor:
        # Spawned: a fork of a process that has used torch's threads or a GPU does not work.
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(1, mp_context=context, initializer=partial(_settle_in, self._threads))


def _settle_in(threads: int) -> None:
    """In a new process: ctrl-C is the first process's to handle, and nobody outlives it."""
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # how it is ended; whoever started us may have ignored it
    threading.Thread(target=_follow, name="follow", daemon=True).start()
    torch.set_num_threads(threads)


def _follow() -> None:
    """End when the first process is gone, however it went."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(GRACE)
        os._exit(1)
