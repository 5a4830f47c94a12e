"""A store at a glance: its kinds, who is at work, what was left behind."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from peephole.store.described import Described
from peephole.store.lease import Held
from peephole.store.leases import RUNS
from peephole.store.leftovers import Swept, sweep
from peephole.store.receipt import Receipt
from peephole.store.store import Store


@dataclass(frozen=True)
class KindSummary:
    """The shards of one kind: how many, their bytes, the seconds they took, when the first and last were made."""

    kind: str
    count: int
    bytes: int
    seconds: float
    oldest: str
    newest: str


@dataclass(frozen=True)
class Look:
    """A store.

    Attributes:
        kinds: by name.
        at_work: a lease of each who computes, as far as can be told.
        leftovers: what a sweep would take away; None where the disk is read-only, so that it cannot tell ages.
    """

    kinds: tuple[KindSummary, ...]
    at_work: tuple[Held, ...]
    leftovers: Swept | None

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        left = self.leftovers
        return {
            "kinds": [asdict(one) for one in self.kinds],
            "at_work": [_held(one) for one in self.at_work],
            "leftovers": None if left is None else left.as_json(),
        }


def look(store: Store, receipts: Sequence[Receipt]) -> Look:
    """Look at a store.

    Args:
        store: only read.
        receipts: all of its.
    """
    by_kind: dict[str, list[Receipt]] = {}
    for one in receipts:
        by_kind.setdefault(one.kind, []).append(one)
    kinds = tuple(_summary(kind, found) for kind, found in sorted(by_kind.items()))
    return Look(kinds, tuple(at_work(store)), _leftovers(store))


def at_work(store: Store) -> list[Held]:
    """One lease of each worker that computes on a store, that which says how far it is; by host, device, process."""
    workers: dict[str, Held] = {}
    for held in store.leases.alive():
        known = workers.get(held.owner.token)
        if not held.key.startswith(RUNS) and (known is None or held.work.share > known.work.share):
            workers[held.owner.token] = held
    return sorted(workers.values(), key=lambda held: (held.owner.host, held.work.device, held.owner.pid))


def _leftovers(store: Store) -> Swept | None:
    try:
        return sweep(store, thorough=True, dry=True)
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise
        return None  # the time of a file system is read off a file that is written


def _summary(kind: str, found: Sequence[Receipt]) -> KindSummary:
    created = sorted(one.created for one in found)
    seconds = sum(one.seconds for one in found)
    return KindSummary(kind, len(found), sum(one.bytes for one in found), seconds, created[0], created[-1])


def shard_facts(one: Described) -> dict[str, Any]:
    """All that is known of a shard, as JSON values: a row of a table of shards."""
    receipt = one.receipt
    return {
        "kind": receipt.kind,
        "digest": receipt.digest,
        "model": one.model,
        "trigger": one.trigger,
        "seed": one.seed,
        "method": one.method,
        "network": one.network,
        "metrics": ",".join(one.metrics),
        "layers": ",".join(one.layers),
        "share": one.share,
        "bytes": receipt.bytes,
        "seconds": receipt.seconds,
        "created": receipt.created,
        "device": str(receipt.facts.get("device", "")),
        "torch_version": str(receipt.facts.get("torch_version", "")),
        "peephole_version": receipt.peephole_version,
        "sha256": receipt.sha256,
    }


def _held(one: Held) -> dict[str, Any]:
    return {
        "digest": one.key,
        "label": one.work.label,
        "host": one.owner.host,
        "pid": one.owner.pid,
        "device": one.work.device,
        "share": one.work.share,
        "since": one.work.began,
    }
