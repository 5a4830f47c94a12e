"""The machine that we are on: units in this process, or in several, each pinned to a device."""

from __future__ import annotations

from typing import ClassVar

from peephole.engines.base import ENGINES, Engine
from peephole.engines.dispatch import dispatch
from peephole.engines.outcome import Watcher
from peephole.engines.schedule import Schedule
from peephole.engines.slots import DEATHS, Slots
from peephole.engines.unaided import work_off
from peephole.workspace import Workspace


@ENGINES.register
class Local(Engine):
    """Several workers (`peephole.machine.Machine`) are processes with a device each, in turn, and their share of the
    processor's threads.
    """

    title: ClassVar[str] = "this machine: one process, or --workers of them, each pinned to a device"

    def check(self, workspace: Workspace) -> None:
        """The device has to be on this machine."""
        if workspace.machine.device != "auto":
            _ = workspace.device

    def run(self, schedule: Schedule, workspace: Workspace, watcher: Watcher) -> None:
        """Here, or in processes that end with this one; when it is interrupted, trainings in them save their state."""
        workers = workspace.machine.workers
        if workers == 1:
            work_off(schedule, workspace, watcher)
            return
        with Slots(workspace) as slots:
            dispatch(schedule, workers, slots.submit, watcher, DEATHS)
