"""Whether the store holds what its receipts say; torch-free."""

from __future__ import annotations

from collections.abc import Iterable

from peephole.store.checking import shard_fault
from peephole.store.store import Store
from peephole.units.base import Unit


def check_shards(units: Iterable[Unit], store: Store) -> tuple[frozenset[str], dict[str, str]]:
    """Read every shard, compare it with its receipt and the receipt with the unit, whose digest is its name.

    Args:
        units: what should be in the store.
        store: never written to.

    Returns:
        The digests of the units whose shards are sound, and of the damaged ones what is wrong. What is not there at all
        is in neither.
    """
    sound: set[str] = set()
    damaged: dict[str, str] = {}
    for unit in units:
        path = store.path(unit.kind, unit.digest)
        if not path.exists() or not path.with_suffix(".json").exists():
            continue
        fault = shard_fault(store, unit.kind, unit.digest)
        if fault is None:
            sound.add(unit.digest)
        else:
            damaged[unit.digest] = f"{fault.file} {fault.what}"
    return frozenset(sound), damaged
