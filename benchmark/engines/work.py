"""Computing one group of units and storing what comes out: the one thing that every engine has done somewhere."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Sequence

from peephole.engines.failures import Failures
from peephole.engines.outcome import Failure
from peephole.engines.report import Done
from peephole.store.lease import Lease
from peephole.store.leases import released
from peephole.store.store import DamagedShard, StorageError
from peephole.units.base import Unit
from peephole.workspace import Workspace


class _Elsewhere(Exception):
    """Somebody else is making what is needed first."""


def compute(
    units: Sequence[Unit],
    workspace: Workspace,
    report: Callable[[float], None],
    attempts: int | None = None,
    failures: Failures | None = None,
) -> Done:
    """Compute those units of a group that nobody else is computing or has computed.

    Doing so twice, here or elsewhere, at once or later, does no harm.

    Args:
        units: a group: of one kind, needing the same.
        workspace: the store, the device and the data.
        report: told the share of the work that is done.
        attempts: a unit with which so many processes died, one after the other, is not computed but fails.
        failures: of all who work for the same run. What is there is not tried again; what fails here is noted while it
            is still ours, so that nobody tries it in between.

    Raises:
        StorageError: a failure cannot be noted.
    """
    done: Done = {}
    held: list[Lease] = []
    with released(held):
        mine = []
        for unit in units:
            try:
                lease = workspace.store.leases.take(unit.digest, unit.label, workspace.device_name)
            except OSError as error:
                done[unit.digest] = Failure.of(unit, workspace.store.refused(error))
                continue
            if lease is None:
                done[unit.digest] = "elsewhere"
                continue
            held.append(lease)
            if workspace.store.receipt(unit.kind, unit.digest) is not None:
                lease.release()
                done[unit.digest] = "found"
            elif attempts is not None and lease.deaths >= attempts:
                lease.release()
                done[unit.digest] = Failure.of(unit, death(lease.deaths))
            else:
                mine.append(unit)
                continue
            held.remove(lease)
        known = {failure.unit.digest: failure for failure in failures.among(mine)} if failures else {}
        mine = [unit for unit in mine if unit.digest not in known]
        if mine:
            done |= _compute(mine, held, workspace, report)
        for result in done.values():
            if failures and isinstance(result, Failure):
                failures.note(result)
    return done | known


def _compute(
    units: Sequence[Unit], held: Sequence[Lease], workspace: Workspace, report: Callable[[float], None]
) -> Done:
    done: Done = {}
    start = time.perf_counter()

    def tell(share: float) -> None:
        held[0].tell(share)
        report(share)

    try:
        _mend_inputs(units[0], workspace)
        workspace.report = tell
        for unit, result in type(units[0]).compute_all(units, workspace):
            if isinstance(result, Exception):
                done[unit.digest] = Failure.of(unit, result)
            else:
                # The time of a group cannot be told apart by unit; what a method takes alone is a fact of its shard.
                seconds = (time.perf_counter() - start) / len(units)
                workspace.store.write(unit.kind, unit.digest, unit.identity, result, seconds)
                workspace.discard_checkpoints(unit.digest)
                done[unit.digest] = "computed"
    except _Elsewhere:
        return {unit.digest: "elsewhere" for unit in units}
    except OSError as error:
        # A disk fails everywhere at once; what a file of the user's lacks is the fault of one unit.
        failure = workspace.store.refused(error) if _is_of_disk(error) else error
        done |= {unit.digest: Failure.of(unit, failure) for unit in units if unit.digest not in done}
    except Exception as error:  # noqa: BLE001  a submitted method may raise anything; the failure is kept and reported
        done |= {unit.digest: Failure.of(unit, error) for unit in units if unit.digest not in done}
    return done


def death(times: int) -> Exception:
    """Of a unit whose processes ended before they could say what became of it."""
    return RuntimeError(f"its process died, {times} times; is there enough memory?")


def _is_of_disk(error: OSError) -> bool:
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


def _mend_inputs(unit: Unit, workspace: Workspace) -> None:
    """Make inputs again whose shards are damaged; what was computed from them stays: they were whole then."""
    for needed in unit.inputs.values():
        try:
            workspace.open(needed)
        except DamagedShard:
            workspace.store.discard_damaged(needed.kind, needed.digest)
            made = compute([needed], workspace, lambda share: None)[needed.digest]
            if made == "elsewhere":
                raise _Elsewhere from None
            if isinstance(made, Failure):
                if isinstance(made.error, StorageError):
                    raise made.error from None
                raise RuntimeError(f"{needed.label}: {made.reason}") from None
