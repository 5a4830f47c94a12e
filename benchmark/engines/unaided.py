"""Working off a schedule in this process, alone or beside others that work on the same store."""

from __future__ import annotations

import time
from functools import partial

from peephole.engines.dispatch import PATIENCE
from peephole.engines.outcome import Watcher
from peephole.engines.schedule import Schedule
from peephole.engines.work import compute
from peephole.workspace import Workspace


def work_off(schedule: Schedule, workspace: Workspace, watcher: Watcher) -> None:
    """One group after the other; what others compute is left to them, and waited for when nothing else is due.

    Raises:
        StorageError: the disk did not take a result.
    """
    while True:
        while group := schedule.take():
            watcher.started(group[0])
            schedule.settle(group, compute(group, workspace, partial(watcher.progressed, group[0])))
        if not schedule.waits:
            return
        time.sleep(PATIENCE)
        schedule.look_again()
