"""The local engine: one process, one device, one unit after another."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from peephole.store.store import DamagedShard
from peephole.units.base import Unit
from peephole.workspace import Workspace


class Watcher(Protocol):
    """Told of the work as it goes on."""

    def started(self, unit: Unit) -> None:
        """``unit`` is not in the store and is being computed now."""
        ...

    def progressed(self, unit: Unit, share: float) -> None:
        """``share`` of ``unit`` is done, in [0,1]."""
        ...

    def finished(self, unit: Unit) -> None:
        """``unit`` is done: computed, found in the store, failed or left out."""
        ...


@dataclass(frozen=True)
class Failure:
    """A unit that could not be computed. ``trace`` is the whole traceback."""

    unit: Unit
    error: Exception
    trace: str

    @property
    def reason(self) -> str:
        """The error in one line."""
        return str(self.error).partition("\n")[0] or type(self.error).__name__


@dataclass(frozen=True)
class Outcome:
    """What became of the units: all of them are in exactly one of the four."""

    computed: tuple[Unit, ...]
    cached: tuple[Unit, ...]
    failed: tuple[Failure, ...]
    skipped: tuple[Unit, ...]

    @property
    def available(self) -> frozenset[str]:
        """Digests of the units whose results are in the store."""
        return frozenset(unit.digest for unit in (*self.computed, *self.cached))


def run_units(units: Iterable[Unit], workspace: Workspace, watcher: Watcher) -> Outcome:
    """Compute whatever is not in the store yet.

    A unit that fails does not end the others: what depends on it is skipped, the rest goes on.

    Args:
        units: in an order in which every unit comes after its inputs.
        workspace: the store, the device and the data.
        watcher: told of the progress.
    """
    computed: list[Unit] = []
    cached: list[Unit] = []
    failed: list[Failure] = []
    skipped: list[Unit] = []
    missing: set[str] = set()
    for unit in units:
        if workspace.store.receipt(unit.kind, unit.digest) is not None:
            cached.append(unit)
        elif any(needed.digest in missing for needed in unit.inputs.values()):
            skipped.append(unit)
            missing.add(unit.digest)
        else:
            watcher.started(unit)
            failure = _compute(unit, workspace, watcher)
            if failure is None:
                computed.append(unit)
            else:
                failed.append(failure)
                missing.add(unit.digest)
        watcher.finished(unit)
    return Outcome(tuple(computed), tuple(cached), tuple(failed), tuple(skipped))


def _compute(unit: Unit, workspace: Workspace, watcher: Watcher) -> Failure | None:
    start = time.perf_counter()
    try:
        _mend_inputs(unit, workspace, watcher)
        workspace.report = lambda share: watcher.progressed(unit, share)
        shard = unit.compute(workspace)
        workspace.store.write(unit.kind, unit.digest, unit.identity, shard, time.perf_counter() - start)
    except Exception as error:  # noqa: BLE001  a submitted method may raise anything; the failure is kept and reported
        trace = traceback.format_exc()
        return Failure(unit, error.with_traceback(None), trace)  # frames would keep the unit's tensors alive
    return None


def _mend_inputs(unit: Unit, workspace: Workspace, watcher: Watcher) -> None:
    """Make inputs again whose shards are damaged; what was computed from them stays: they were whole then."""
    for needed in unit.inputs.values():
        try:
            workspace.read(needed)
        except DamagedShard:
            workspace.store.discard(needed.kind, needed.digest)
            failure = _compute(needed, workspace, watcher)
            if failure is not None:
                raise RuntimeError(f"{needed.label}: {failure.reason}") from None
