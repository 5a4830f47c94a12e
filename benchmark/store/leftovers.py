"""What processes that were killed left in a store, and taking it away.

Nothing is taken while anybody alive holds a lease, and nothing that was written to within the time that a lease lasts,
by the clock of the file system: a process that has just begun may hold none yet.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peephole.store.clock import FileClock
from peephole.store.contents import RECEIPT, SHARD, kinds, names
from peephole.store.leases import EXPIRY
from peephole.store.store import CHECKPOINTS, FAILURES, TEMPORARY, Store


@dataclass(frozen=True)
class Swept:
    """What was taken away, or would be.

    Attributes:
        files: files and folders, with their bytes.
        leases: of holders that are gone, how many.
        busy: how many leases the living hold; if any, nothing but leases was taken.
    """

    files: tuple[tuple[Path, int], ...] = ()
    leases: int = 0
    busy: int = 0

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(size for _, size in self.files)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        files = [{"path": str(path), "bytes": size} for path, size in self.files]
        return {"files": files, "bytes": self.bytes, "leases": self.leases, "busy": self.busy}


def sweep(store: Store, *, thorough: bool = False, dry: bool = False) -> Swept:
    """Take away what was left behind: temporary files, states of finished trainings, dead leases.

    Cheap: the folders of shards are not listed, unless it is to be ``thorough``.

    Args:
        store: to be swept.
        thorough: take shards without receipts and receipts without shards, too, each under its lease, and notes of runs
            whose first process is gone.
        dry: only look.

    Raises:
        OSError: the disk is not writable.
    """
    if not store.root.is_dir():
        return Swept()
    alive = {held.key for held in store.leases.alive()}
    known = {path.stem for path in store.leases.folder.glob("??/*") if path.suffix[1:].isdecimal()}
    leases = len(known - alive) if dry else store.leases.sweep()
    if alive:
        return Swept(leases=leases, busy=len(alive))
    found = [*_loose(store), *((*_halves(store), *_of_heads(store)) if thorough else ())]
    taken = [(path, _size(path)) for path in (_old(found, store) if found else ())]
    return Swept(tuple(taken if dry else _take(taken, store)), leases)


def _old(found: Iterable[Path], store: Store) -> Iterator[Path]:
    """What has not been written to for as long as a lease lasts; what has just gone is none of it."""
    now = FileClock(store.root).now()
    for path in found:
        with suppress(FileNotFoundError):
            if now - max(part.lstat().st_mtime for part in (path, *path.rglob("*"))) > EXPIRY:
                yield path


def _loose(store: Store) -> Iterator[Path]:
    yield from sorted(_listed(store.root / TEMPORARY))
    for folder in (store.root, store.leases.folder):
        yield from folder.glob(".clock-*")
    there = kinds(store)
    for path in sorted(_listed(store.root / CHECKPOINTS)):
        digest = path.name.partition("-")[0]
        if path.name.startswith(".") or any(store.receipt(kind, digest) for kind in there):
            yield path


def _of_heads(store: Store) -> Iterator[Path]:
    """What a process that waited for others has left; who still works for it ends when that is gone."""
    yield from _listed(store.root / FAILURES)
    yield from sorted((store.root.parent / "logs" / "slurm").glob("*/errand.pkl"))


def _listed(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _halves(store: Store) -> Iterator[Path]:
    for kind in kinds(store):
        for digest, there in names(store, kind).items():
            if there != {SHARD, RECEIPT}:
                yield from (store.path(kind, digest).with_suffix(suffix) for suffix in there)


def _take(found: Iterable[tuple[Path, int]], store: Store) -> Iterator[tuple[Path, int]]:
    for path, size in found:
        if path.suffix in (SHARD, RECEIPT) and path.parent.name not in (TEMPORARY, CHECKPOINTS):
            lease = store.leases.take(path.stem, "take away what was left")
            if lease is None:
                continue
            try:
                if path.with_suffix(SHARD).exists() and path.with_suffix(RECEIPT).exists():
                    continue  # finished meanwhile
                path.unlink(missing_ok=True)
            finally:
                lease.release()
        elif path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
        yield path, size


def _size(path: Path) -> int:
    """Bytes of a file, or of all in a folder."""
    return sum(part.lstat().st_size for part in (path, *path.rglob("*")) if not part.is_dir())
