"""Computing one group of units and storing what comes out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from peephole.engines.outcome import Failure
from peephole.store.store import DamagedShard
from peephole.units.base import Unit
from peephole.workspace import Workspace

Done = dict[str, Failure | None]
"""By digest: None for a unit that is in the store now, else what went wrong."""


def compute(units: Sequence[Unit], workspace: Workspace, report: Callable[[float], None]) -> Done:
    """Compute a group of units of one kind that need the same.

    Args:
        units: the group.
        workspace: the store, the device and the data.
        report: told the share of the work that is done.
    """
    done: Done = {}
    start = time.perf_counter()
    try:
        _mend_inputs(units[0], workspace, report)
        workspace.report = report
        for unit, result in type(units[0]).compute_all(units, workspace):
            if isinstance(result, Exception):
                done[unit.digest] = Failure.of(unit, result)
            else:
                # The time of a group cannot be told apart by unit; what a method takes alone is a fact of its shard.
                seconds = (time.perf_counter() - start) / len(units)
                workspace.store.write(unit.kind, unit.digest, unit.identity, result, seconds)
                workspace.discard_checkpoints(unit.digest)
                done[unit.digest] = None
    except Exception as error:  # noqa: BLE001  a submitted method may raise anything; the failure is kept and reported
        done |= {unit.digest: Failure.of(unit, error) for unit in units if unit.digest not in done}
    return done


def _mend_inputs(unit: Unit, workspace: Workspace, report: Callable[[float], None]) -> None:
    """Make inputs again whose shards are damaged; what was computed from them stays: they were whole then."""
    for needed in unit.inputs.values():
        try:
            workspace.open(needed)
        except DamagedShard:
            workspace.store.discard(needed.kind, needed.digest)
            failure = compute([needed], workspace, report)[needed.digest]
            if failure is not None:
                raise RuntimeError(f"{needed.label}: {failure.reason}") from None
