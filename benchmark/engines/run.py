"""Units are computed: by whatever engine the machine says."""

from __future__ import annotations

from collections.abc import Iterable

from peephole.engines.base import NAMING
from peephole.engines.outcome import Outcome, Watcher
from peephole.engines.schedule import Schedule
from peephole.units.base import Unit
from peephole.workspace import Workspace


def run_units(units: Iterable[Unit], workspace: Workspace, watcher: Watcher) -> Outcome:
    """Compute whatever is not in the store yet.

    A unit that fails does not end the others: what depends on it is skipped, the rest goes on. What other processes are
    computing on the same store is left to them and waited for.

    Args:
        units: in an order in which every unit comes after its inputs.
        workspace: the store, the data, and the machine, which says which engine.
        watcher: told of the progress.

    Raises:
        PeepholeError: the engine cannot be had; or the disk did not take a result, and what is done is kept.
    """
    schedule = Schedule(units, workspace.store, watcher)
    NAMING.build(workspace.machine.engine).run(schedule, workspace, watcher)
    return schedule.outcome()
