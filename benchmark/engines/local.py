"""The local engine: one process, one device, one unit after another."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterable, Sequence
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

    A unit that fails does not end the others: what depends on it is skipped, the rest goes on. Units of one group that
    are missing are computed together, when the first of them is due.

    Args:
        units: in an order in which every unit comes after its inputs.
        workspace: the store, the device and the data.
        watcher: told of the progress.
    """
    units = list(units)
    computed: list[Unit] = []
    cached: list[Unit] = []
    failed: list[Failure] = []
    skipped: list[Unit] = []
    missing: set[str] = set()
    done: dict[str, Failure | None] = {}
    for unit in units:
        if unit.digest not in done and _is_stored(unit, workspace):
            cached.append(unit)
        elif any(needed.digest in missing for needed in unit.inputs.values()):
            skipped.append(unit)
            missing.add(unit.digest)
        else:
            if unit.digest not in done:
                watcher.started(unit)
                done |= _compute(_group(unit, units, workspace), workspace, watcher)
            failure = done[unit.digest]
            if failure is None:
                computed.append(unit)
            else:
                failed.append(failure)
                missing.add(unit.digest)
        watcher.finished(unit)
    return Outcome(tuple(computed), tuple(cached), tuple(failed), tuple(skipped))


def _is_stored(unit: Unit, workspace: Workspace) -> bool:
    return workspace.store.receipt(unit.kind, unit.digest) is not None


def _group(unit: Unit, units: Iterable[Unit], workspace: Workspace) -> list[Unit]:
    """The units to compute with ``unit``, itself first: those of its group that need the same and are missing."""
    others = (
        other
        for other in units
        if type(other) is type(unit)
        and other != unit
        and other.group == unit.group
        and other.inputs == unit.inputs
        and not _is_stored(other, workspace)
    )
    return [unit, *others]


def _compute(units: Sequence[Unit], workspace: Workspace, watcher: Watcher) -> dict[str, Failure | None]:
    """Compute a group; for each unit's digest what went wrong, if anything."""
    done: dict[str, Failure | None] = {}
    start = time.perf_counter()
    try:
        _mend_inputs(units[0], workspace, watcher)
        workspace.report = lambda share: watcher.progressed(units[0], share)
        for unit, result in type(units[0]).compute_all(units, workspace):
            if isinstance(result, Exception):
                done[unit.digest] = _failure(unit, result)
            else:
                # The time of a group cannot be told apart by unit; what a method takes alone is a fact of its shard.
                seconds = (time.perf_counter() - start) / len(units)
                workspace.store.write(unit.kind, unit.digest, unit.identity, result, seconds)
                done[unit.digest] = None
    except Exception as error:  # noqa: BLE001  a submitted method may raise anything; the failure is kept and reported
        done |= {unit.digest: _failure(unit, error) for unit in units if unit.digest not in done}
    return done


def _failure(unit: Unit, error: Exception) -> Failure:
    trace = "".join(traceback.format_exception(error))
    return Failure(unit, error.with_traceback(None), trace)  # frames would keep the unit's tensors alive


def _mend_inputs(unit: Unit, workspace: Workspace, watcher: Watcher) -> None:
    """Make inputs again whose shards are damaged; what was computed from them stays: they were whole then."""
    for needed in unit.inputs.values():
        try:
            workspace.read(needed)
        except DamagedShard:
            workspace.store.discard(needed.kind, needed.digest)
            failure = _compute([needed], workspace, watcher)[needed.digest]
            if failure is not None:
                raise RuntimeError(f"{needed.label}: {failure.reason}") from None
