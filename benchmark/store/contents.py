"""What lies in a store's folders, by a look at them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from peephole.errors import PeepholeError
from peephole.store.folder import open_folder
from peephole.store.leases import FOLDER as LEASES
from peephole.store.receipt import Receipt, read_receipt
from peephole.store.store import CHECKPOINTS, FAILURES, TEMPORARY, Store

STORE = "store"
"""The store's folder among the results."""
SHARD, RECEIPT = ".h5", ".json"
_OTHERS = frozenset((LEASES, CHECKPOINTS, FAILURES, TEMPORARY))


def store_in(folder: Path) -> Store:
    """The store of a folder with results.

    Raises:
        PeepholeError: the folder holds no results, or has no store.
    """
    root = open_folder(folder, create=False) / STORE
    if not root.is_dir():
        raise PeepholeError(f"{folder} has no store; give the folder of a run, or make it with peephole run --out DIR.")
    return Store(root)


def kinds(store: Store) -> list[str]:
    """The kinds that there are folders of, by name."""
    with os.scandir(store.root) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir() and _is_kind(entry.name))


def _is_kind(name: str) -> bool:
    return name not in _OTHERS and not name.startswith(".")


def names(store: Store, kind: str) -> dict[str, set[str]]:
    """By digest, which of `SHARD` and `RECEIPT` there are of a kind."""
    found: dict[str, set[str]] = {}
    with os.scandir(store.root / kind) as entries:
        for entry in sorted(entries, key=lambda one: one.name):
            stem, dot, suffix = entry.name.rpartition(".")
            if dot + suffix in (SHARD, RECEIPT) and not stem.startswith("."):
                found.setdefault(stem, set()).add(dot + suffix)
    return found


def receipts(store: Store) -> Iterator[Receipt]:
    """All receipts that can be read, whether or not their shards are there and whole; nothing else is opened.

    Raises:
        PeepholeError: one is of a later version.
    """
    for kind in kinds(store):
        for digest, there in names(store, kind).items():
            if RECEIPT in there:
                receipt = read_receipt(store.path(kind, digest).with_suffix(RECEIPT))
                if receipt is not None:
                    yield receipt
