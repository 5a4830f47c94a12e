"""Waiting for the tasks of a Slurm array: what they have done is seen in the store, not told by them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial

from peephole.engines.failures import Failures
from peephole.engines.outcome import Failure, Watcher
from peephole.engines.schedule import Schedule
from peephole.engines.slurm_array import Array
from peephole.engines.unaided import rest_after
from peephole.errors import PeepholeError
from peephole.store.lease import Held
from peephole.store.store import Store

LOOK = 2.0
"""Seconds between two looks at what is done."""


def wait(schedule: Schedule, array: Array, failures: Failures, store: Store, watcher: Watcher) -> None:
    """Until nothing is open: computed by whomever, failed, or left out."""
    look = partial(_look, schedule, array, failures, store, watcher, set())
    while True:
        pause = rest_after(look)
        if not schedule.open:
            return
        time.sleep(max(LOOK, pause))


def _look(schedule: Schedule, array: Array, failures: Failures, store: Store, watcher: Watcher, told: set[str]) -> None:
    """What has been begun, what is there, what failed; and what nobody is left to do fails, too.

    In this order: what is over, or at work, has left its results when they are looked at.
    """
    over = array.is_over
    held = {one.key: one for one in store.leases.alive() if one.key in schedule.open}
    _tell(schedule, held, told, watcher)
    schedule.collect("computed")
    for failure in failures.among(schedule.open.values()):
        if failure.unit.digest in schedule.open:  # and not left out by now
            schedule.failed(failure)
    if over and not any(key in schedule.open for key in held):
        while group := schedule.take():
            for unit in group:
                error = PeepholeError(f"nobody is left to compute it: {array.last_words()}")
                schedule.failed(Failure.of(unit, error))


def _tell(schedule: Schedule, held: Mapping[str, Held], told: set[str], watcher: Watcher) -> None:
    """What was begun: one unit of each worker's group."""
    begun = {one.owner.token: key for key, one in held.items() if key not in told}
    told.update(held)
    for key in begun.values():
        watcher.started(schedule.open[key])
