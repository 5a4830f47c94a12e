"""Working off a schedule in this process, alone or beside others that work on the same store."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

from peephole.engines.dispatch import ATTEMPTS, PATIENCE
from peephole.engines.failures import Failures
from peephole.engines.outcome import Watcher
from peephole.engines.schedule import Schedule
from peephole.engines.work import compute
from peephole.units.base import Unit
from peephole.workspace import Workspace

LOOK = 5.0
"""Seconds between two looks at what others have finished."""
RARITY = 20
"""A look may take this part of the time, however large the store."""


def work_off(schedule: Schedule, workspace: Workspace, watcher: Watcher, failures: Failures | None = None) -> None:
    """One group after the other; what others compute is left to them, and waited for when nothing else is due.

    Args:
        schedule: what is to be done.
        workspace: to do it with.
        watcher: told of what is begun.
        failures: those of the run that this process and others work for. What failed in one is not tried by another,
            nor what `ATTEMPTS` of them died of; when the run is over, this ends.

    Raises:
        StorageError: the disk did not take a result.
    """
    pause, looked = LOOK, time.monotonic()
    while not (failures and failures.is_over):
        if time.monotonic() - looked > pause:
            pause, looked = max(LOOK, rest_after(schedule.collect)), time.monotonic()
        if group := schedule.take():
            _do(group, schedule, workspace, watcher, failures)
        elif schedule.waits:
            time.sleep(PATIENCE)
            time.sleep(rest_after(schedule.look_again))
        else:
            return


def _do(
    group: Sequence[Unit], schedule: Schedule, workspace: Workspace, watcher: Watcher, failures: Failures | None
) -> None:
    for failure in failures.among(group) if failures else ():
        schedule.failed(failure)
    group = [unit for unit in group if unit.digest in schedule.open]
    if not group:
        return
    watcher.started(group[0])
    report = partial(watcher.progressed, group[0])
    attempts = ATTEMPTS if failures else None
    schedule.settle(group, compute(group, workspace, report, attempts=attempts, failures=failures))


def rest_after(look: Callable[[], None]) -> float:
    """Look; and how long not to look again: the file system is to serve many at once."""
    began = time.monotonic()
    look()
    return RARITY * (time.monotonic() - began)
