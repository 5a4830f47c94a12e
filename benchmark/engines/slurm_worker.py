"""What one task of a Slurm array does: it works off the whole plan beside the others, by leases."""

from __future__ import annotations

import pickle
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from peephole.engines.errand import Kit
from peephole.engines.failures import Failures
from peephole.engines.outcome import Failure
from peephole.engines.schedule import Schedule
from peephole.engines.unaided import work_off
from peephole.errors import PeepholeError
from peephole.units.base import Unit

NOTICES = (signal.SIGUSR1, signal.SIGUSR2)
"""One of them says that the time is up or the place is wanted, and that we may be put into the queue again."""
GRACE = 5.0
"""Seconds to wait for such a notice after SIGTERM: some clusters send both."""
SAID = "peephole: "
"""Before the last words in a log."""


class Stopped(KeyboardInterrupt):
    """Slurm asked this task to end."""


@dataclass(frozen=True)
class Worker:
    """Called in each task, with its number.

    Attributes:
        errand: the file with the units and the `Kit`, the same for all.
        run: the name of the run, see `Failures`.
    """

    errand: Path
    run: str

    def __call__(self, number: int) -> None:
        """Work until nothing is left, then return; asked to end, save the training in hand and let go of leases first.

        Raises:
            SystemExit: with SIGTERM's code if asked to end; with 1, after a line in the log, if it cannot go on.
        """
        stop = _Stop()
        try:
            self._work(stop)
        except Stopped:
            stop.leave()
        except PeepholeError as error:
            _say(f"{SAID}{error}")
            sys.exit(1)
        except Exception as error:
            _say(f"{SAID}{type(error).__name__}: {error}".partition("\n")[0])
            raise
        finally:
            stop.forget()

    def checkpoint(self, number: int) -> Any:
        """Asked for by submitit before it puts the task into the queue again: what to do then, which is the same."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, number)

    def _work(self, stop: _Stop) -> None:
        from submitit import JobEnvironment

        try:
            units, kit = _read(self.errand)
        except FileNotFoundError:
            return  # the run was over before this task began
        workspace = kit.workspace()
        failures = Failures(workspace.store, self.run, JobEnvironment().paths.stdout)
        watcher = _Log(stop)
        try:
            if kit.machine.device != "cpu":
                _ = workspace.device  # refused here once, not by every unit
            work_off(Schedule(units, workspace.store, watcher), workspace, watcher, failures)
        finally:
            workspace.close()


def write_errand(path: Path, units: tuple[Unit, ...], kit: Kit) -> None:
    """Write down what all tasks are to do."""
    with path.open("wb") as file:
        pickle.dump((units, kit), file, pickle.HIGHEST_PROTOCOL)


def _read(path: Path) -> tuple[tuple[Unit, ...], Kit]:
    with path.open("rb") as file:
        errand: tuple[tuple[Unit, ...], Kit] = pickle.load(file)
    return errand


class _Stop:
    """Signals that end a task become an exception, after which submitit handles those that it handles.

    All of them go through SIGTERM, which trainings put off until their state is saved.
    """

    def __init__(self) -> None:
        self.asked = False
        self._notice: int | None = None
        self._submitit = {each: handler for each in NOTICES if callable(handler := signal.getsignal(each))}
        self._previous: dict[int, Any] = {
            signal.SIGTERM: signal.signal(signal.SIGTERM, self._raise),
            **{each: signal.signal(each, self._pass_on) for each in self._submitit},
        }

    def _raise(self, number: int, frame: FrameType | None) -> None:
        if not self.asked:  # once: not while leases are let go of
            self.asked = True
            raise Stopped

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        self._notice = number
        signal.raise_signal(signal.SIGTERM)

    def leave(self) -> None:
        """End this process; by submitit, which puts the task into the queue again, if that was the notice."""
        for number, handler in self._submitit.items():
            signal.signal(number, handler)
        if self._notice is not None:
            signal.raise_signal(self._notice)
        time.sleep(GRACE)
        sys.exit(128 + signal.SIGTERM)

    def forget(self) -> None:
        """Handle signals as before."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class _Log:
    """A watcher that prints to the log of the task. It also sees to it that no library swallows the wish to end."""

    def __init__(self, stop: _Stop) -> None:
        self._stop = stop

    def started(self, unit: Unit) -> None:
        _say(f"{unit.kind} {unit.digest} {unit.label}")
        if self._stop.asked:
            raise Stopped

    def progressed(self, unit: Unit, share: float) -> None:
        """The lease says it."""

    def finished(self, unit: Unit, result: Failure | str) -> None:
        if isinstance(result, Failure):
            _say(f"failed: {unit.label}: {result.reason}")
            if self._stop.asked:
                raise Stopped
