"""Several processes, each computing one group of units at a time."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from peephole.engines.outcome import Failure, Watcher
from peephole.engines.schedule import Schedule
from peephole.engines.work import compute
from peephole.errors import PeepholeError
from peephole.machine import Machine, thread_count
from peephole.models.weights import KnownFile
from peephole.store.store import Store
from peephole.submissions.submission import Submission
from peephole.units.base import Unit
from peephole.workspace import Workspace

Report = list[tuple[str, str, bool, str]]
"""For each unit that failed: its digest, the error, whether it is one of the user's, and the traceback."""


def run_in_processes(schedule: Schedule, workspace: Workspace, watcher: Watcher) -> None:
    """Work off ``schedule``. A process that dies takes down the groups in hand, which fail; the others go on.

    When this process is interrupted the others are asked to end, and trainings in them save their state.
    """
    machine = workspace.machine
    threads = max(1, thread_count() // machine.workers)
    hands = _Hands(workspace.store.root, machine, workspace.data, workspace.weights, workspace.submissions)
    running: dict[Future[Report], list[Unit]] = {}
    pool = _pool(machine.workers, threads)
    try:
        while True:
            while len(running) < machine.workers and (group := schedule.take()):
                watcher.started(group[0])
                running[pool.submit(_work, group, hands)] = group
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                group = running.pop(future)
                try:
                    report = future.result()
                except BrokenProcessPool:
                    # All that was under way comes back with this error; a new pool takes what is left.
                    report = [(unit.digest, "its process died; is there enough memory?", False, "") for unit in group]
                    if not running:
                        pool.shutdown()
                        pool = _pool(machine.workers, threads)
                _settle(schedule, group, report)
    except BaseException:
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _pool(workers: int, threads: int) -> ProcessPoolExecutor:
    # Spawned: a fork of a process that has used torch's threads or a GPU does not work.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(threads,))


def _begin(threads: int) -> None:
    """In a new process: ctrl-C is the first process's to handle."""
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(threads)


@dataclass(frozen=True)
class _Hands:
    """What a workspace is made of, as it travels to another process."""

    root: Path
    machine: Machine
    data: Path | None
    weights: str | Path | KnownFile | None
    submissions: tuple[Submission, ...]


@cache
def _workspace(hands: _Hands) -> Workspace:
    """The hands of this process: data sets are read once."""
    return Workspace(Store(hands.root), hands.machine, hands.data, hands.weights, hands.submissions)


def _work(units: Sequence[Unit], hands: _Hands) -> Report:
    """In a process of the pool: compute a group. Errors go back as text, as not every exception can travel."""
    done = compute(units, _workspace(hands), lambda share: None)
    return [
        (
            digest,
            str(failure.error) or type(failure.error).__name__,
            isinstance(failure.error, PeepholeError),
            failure.trace,
        )
        for digest, failure in done.items()
        if failure is not None
    ]


def _settle(schedule: Schedule, group: Sequence[Unit], report: Report) -> None:
    failures = {digest: (reason, users, trace) for digest, reason, users, trace in report}
    for unit in group:
        if unit.digest in failures:
            reason, users, trace = failures[unit.digest]
            schedule.failed(Failure(unit, PeepholeError(reason) if users else RuntimeError(reason), trace))
        else:
            schedule.computed(unit)
