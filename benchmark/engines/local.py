"""The local engine: units on this machine, in this process or in several."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from peephole.engines.outcome import Outcome, Watcher
from peephole.engines.schedule import Schedule
from peephole.engines.work import compute
from peephole.units.base import Unit
from peephole.workspace import Workspace


def run_units(units: Iterable[Unit], workspace: Workspace, watcher: Watcher) -> Outcome:
    """Compute whatever is not in the store yet.

    A unit that fails does not end the others: what depends on it is skipped, the rest goes on. Units of one group that
    are missing are computed together, when the first of them is due. With several workers
    (`peephole.machine.Machine`) several groups are computed at once, each by a process with its share of the threads.

    Args:
        units: in an order in which every unit comes after its inputs.
        workspace: the store, the device and the data.
        watcher: told of the progress.
    """
    schedule = Schedule(units, workspace.store, watcher)
    if workspace.machine.workers > 1:
        from peephole.engines.pool import run_in_processes

        run_in_processes(schedule, workspace, watcher)
        return schedule.outcome()
    while group := schedule.take():
        watcher.started(group[0])
        done = compute(group, workspace, partial(watcher.progressed, group[0]))
        for unit in group:
            failure = done[unit.digest]
            if failure is None:
                schedule.computed(unit)
            else:
                schedule.failed(failure)
    return schedule.outcome()
