"""One HDF5 file of a store, for those who have h5py and nothing of ours."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from peephole.errors import PeepholeError, UnknownName
from peephole.files import write_atomically
from peephole.store.checking import shard_fault
from peephole.store.contents import RECEIPT, kinds, names, receipts, store_in
from peephole.store.described import Described, describe
from peephole.store.export_file import write_export
from peephole.store.index import is_export
from peephole.store.receipt import Receipt
from peephole.store.store import Store
from peephole.submissions.folder import names_by_code

Report = Callable[[int, int], None]


@dataclass(frozen=True)
class Choice:
    """What to export: kinds of shards, methods (and what is of none), layers of maps; all where none are named."""

    kinds: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()

    def takes(self, one: Described) -> bool:
        """Whether a shard is among what to export."""
        return (not self.kinds or one.receipt.kind in self.kinds) and (
            not self.methods or not one.method or one.method in self.methods
        )


@dataclass(frozen=True)
class Exported:
    """What was written."""

    file: Path
    shards: int
    bytes: int
    linked: bool

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {"file": str(self.file), "shards": self.shards, "bytes": self.bytes, "linked": self.linked}


def export(
    folder: Path,
    file: Path,
    choice: Choice | None = None,
    *,
    link: bool = False,
    report: Report = lambda done, total: None,
) -> Exported:
    """Write an export of the results in ``folder``; it appears whole or not at all.

    ``shards/KIND/DIGEST`` are the shards' arrays and facts, see `copy_array`; ``maps/…`` and ``rows/…`` see `gather`;
    ``tables/units``, and ``tables/leaderboard`` and ``tables/scores`` if there are such, see `write_table`. What was
    copied is read back and compared.

    Args:
        folder: with results.
        file: to write; an earlier export is replaced.
        choice: what to export.
        link: point to the shards instead of copying them.
        report: told how many bytes of shards are compared with their receipts, and of how many.

    Raises:
        PeepholeError: there is no store, nothing to export, or a name that it does not have; a shard, or what it was
            made of, is missing or damaged; ``file`` lies in the store or is something else; or the disk is full.
    """
    choice = choice or Choice()
    store = store_in(folder)
    _check_place(file, store)
    every = describe(_receipts(store), names_by_code(folder))
    _check_names(choice, every)
    chosen = [one for one in every if choice.takes(one)]
    if not chosen:
        raise PeepholeError(f"{folder} has no such shards; peephole store ls {folder} says what there is.")
    _check_sound(store, chosen, every, report)
    try:
        write = partial(write_export, name=file, shards=chosen, folder=folder, layers=choice.layers, link=link)
        write_atomically(file, write)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        do = "make room, or give another place" if full else "mend that, or give another place"
        raise PeepholeError(f"cannot write {file} ({error.strerror or error}); {do}.") from error
    return Exported(file, len(chosen), file.stat().st_size, link)


def _check_place(file: Path, store: Store) -> None:
    if file.resolve().is_relative_to(store.root.resolve()):
        raise PeepholeError(f"{file} lies in the store, which holds shards only; give another place.")
    if file.exists() and not is_export(file):
        raise PeepholeError(f"{file} is there and is no export of peephole's; give another name, or take it away.")


def _receipts(store: Store) -> list[Receipt]:
    """All of them: what a garbled one would be of cannot be told, so that it must not be left out in silence."""
    found = list(receipts(store))
    read = {(one.kind, one.digest) for one in found}
    for kind in kinds(store):
        for digest, there in names(store, kind).items():
            if RECEIPT in there and (kind, digest) not in read:
                fault = shard_fault(store, kind, digest) or f"store/{kind}/{digest}{RECEIPT} names another shard"
                raise PeepholeError(f"{str(fault).rstrip('.')}; nothing was exported.")
    return found


def _check_names(choice: Choice, every: Sequence[Described]) -> None:
    """Refuse names that nothing has; layers are known when the shards are opened."""
    there = {one.receipt.kind for one in every}
    methods = {one.method for one in every if one.method}
    for what, asked, known in (("kind", choice.kinds, there), ("method", choice.methods, methods)):
        for name in asked:
            if name not in known:
                raise UnknownName(what, name, known)


def _check_sound(store: Store, chosen: Sequence[Described], every: Sequence[Described], report: Report) -> None:
    """Refuse to write while anything is missing or damaged: HDF5 would read fill values in silence."""
    known = {one.receipt.digest: one.receipt for one in every}
    needed: dict[str, Receipt] = {}
    waiting = [one.receipt for one in chosen]
    while waiting:
        receipt = waiting.pop()
        if receipt.digest in needed:
            continue
        needed[receipt.digest] = receipt
        for role, digest in receipt.inputs.items():
            if digest not in known:
                raise PeepholeError(
                    f"store/{receipt.kind}/{receipt.digest}.h5 was made of {role} {digest}, which is not in the store; "
                    "nothing was exported: do the run once more, which makes it again."
                )
            waiting.append(known[digest])
    done, total = 0, sum(one.bytes for one in needed.values())
    for receipt in needed.values():
        fault = shard_fault(store, receipt.kind, receipt.digest)
        if fault is not None:
            raise PeepholeError(f"{fault.file} {fault.what}; nothing was exported: {fault.do}.")
        done += receipt.bytes
        report(done, total)
