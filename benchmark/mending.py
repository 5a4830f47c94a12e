"""A run goes on where its store turns out to be damaged: what is damaged is made again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

from peephole.engines.dispatch import PATIENCE
from peephole.engines.outcome import Outcome
from peephole.engines.run import run_units
from peephole.errors import PeepholeError
from peephole.run_log import RunLog
from peephole.store.checking import shard_fault
from peephole.store.store import DamagedShard, Store
from peephole.units.base import Unit
from peephole.units.maps import Maps
from peephole.workspace import Workspace

T = TypeVar("T")

MEETINGS = 3
"""With one damaged shard that others make again, until the disk is to blame."""


def until_whole(
    units: Sequence[Unit], workspace: Workspace, log: RunLog, outcome: Outcome, write: Callable[[Outcome, int], T]
) -> T:
    """Write tables; as often as a shard that they need is damaged, make it again, and all else that is, and once more.

    Args:
        units: what is to be there, each after its inputs.
        workspace: to compute with.
        log: told what is damaged.
        outcome: what became of them.
        write: is given that, and how many shards were made again.

    Raises:
        PeepholeError: what was made again is damaged again.
    """
    mended: set[str] = set()
    met: Counter[str] = Counter()
    while True:
        try:
            return write(outcome, len(mended))
        except DamagedShard as damage:
            met[damage.digest] += 1
            if damage.digest in mended or met[damage.digest] > MEETINGS:
                raise PeepholeError(
                    f"{damage} again after it was made anew; check the disk below {workspace.store.root.parent}."
                ) from damage
            mended |= _discard(damage, (*outcome.computed, *outcome.cached), workspace.store, log)
        outcome = run_units(units, workspace, log).after(outcome)


def _discard(damage: DamagedShard, there: tuple[Unit, ...], store: Store, log: RunLog) -> set[str]:
    """Discard the shard that was found damaged, and others that are; maps, which are many, only when they are read."""
    others = [unit for unit in there if unit.kind != Maps.kind and unit.digest != damage.digest]
    faults = [fault for unit in others if (fault := shard_fault(store, unit.kind, unit.digest)) and fault.mends]
    discarded = set()
    for kind, digest in ((damage.kind, damage.digest), *((fault.kind, fault.digest) for fault in faults)):
        log.say(f"store/{kind}/{digest}.h5 is damaged; it is made again")
        if store.discard_damaged(kind, digest):
            discarded.add(digest)
        while not store.leases.is_free(digest):  # somebody else is making it
            time.sleep(PATIENCE)
    return discarded
