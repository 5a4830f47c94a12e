"""Giving out groups to processes elsewhere, and taking back what became of them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait

from peephole.engines.outcome import Failure, Watcher
from peephole.engines.report import Report, read_report
from peephole.engines.schedule import Schedule
from peephole.engines.work import death
from peephole.units.base import Unit

PATIENCE = 1.0
"""Seconds between two looks at what others compute."""
ATTEMPTS = 3
"""That a group gets whose process dies."""

Submit = Callable[[Sequence[Unit]], "Future[Report]"]


def dispatch(
    schedule: Schedule, places: int, submit: Submit, watcher: Watcher, deaths: tuple[type[Exception], ...]
) -> None:
    """Work off ``schedule``.

    Args:
        schedule: what is to be done.
        places: how many groups may be under way at once.
        submit: gives out a group to `peephole.engines.errand.run_errand` somewhere.
        watcher: told of what is begun.
        deaths: what futures raise if a process ended before it could say what became of its units. The group is given
            out again, `ATTEMPTS` times in all.

    Raises:
        StorageError: the disk did not take a result.
    """
    running: dict[Future[Report], list[Unit]] = {}
    died: Counter[str] = Counter()
    looked = time.monotonic()
    while True:
        while len(running) < places and (group := schedule.take()):
            watcher.started(group[0])
            running[submit(group)] = group
        if not running and not schedule.waits:
            return
        if running:
            finished = wait(running, timeout=PATIENCE if schedule.waits else None, return_when=FIRST_COMPLETED).done
        else:
            time.sleep(PATIENCE)
            finished = set()
        for future in finished:
            group = running.pop(future)
            try:
                report = future.result()
            except deaths:
                died[group[0].digest] += 1
                if died[group[0].digest] < ATTEMPTS:
                    schedule.give_back(group)
                    continue
                schedule.settle(group, {unit.digest: Failure.of(unit, death(ATTEMPTS)) for unit in group})
                continue
            schedule.settle(group, read_report(group, report))
        if time.monotonic() - looked >= PATIENCE:
            schedule.look_again()
            looked = time.monotonic()
