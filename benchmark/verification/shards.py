"""Whether the store holds what its receipts say; torch-free."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from peephole.errors import PeepholeError
from peephole.store.store import DamagedShard, Store
from peephole.units.base import Unit


def check_shards(units: Iterable[Unit], store: Store) -> tuple[frozenset[str], dict[str, str]]:
    """Read every shard, compare it with its receipt and the receipt with the unit.

    Receipts are no part of what their sha256 covers, and tables are made of the facts in them.

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
        wrong = _wrong(unit, store)
        if wrong:
            damaged[unit.digest] = f"store/{unit.kind}/{path.name} {wrong}"
        else:
            sound.add(unit.digest)
    return frozenset(sound), damaged


def _wrong(unit: Unit, store: Store) -> str:
    try:
        shard = store.open(unit.kind, unit.digest)
    except DamagedShard:
        return "does not match its receipt"
    except (OSError, PeepholeError) as error:
        return f"cannot be read ({error})"
    try:
        receipt = store.receipt(unit.kind, unit.digest)
        if receipt is None or receipt.spec != _as_json(unit.identity):
            return "has the receipt of another unit"
        if receipt.facts != dict(shard.facts):
            return "has a receipt with other facts than its own"
    finally:
        shard.close()
    return ""


def _as_json(value: Any) -> Any:
    """What comes back of a value that is written as JSON: tuples as lists."""
    return json.loads(json.dumps(value))
