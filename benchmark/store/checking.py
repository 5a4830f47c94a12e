"""Does the store hold what its receipts say?"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from peephole.errors import PeepholeError
from peephole.hdf5_files import Unreadable, regular_file
from peephole.store.contents import RECEIPT, SHARD, kinds, names
from peephole.store.opened import OpenShard
from peephole.store.receipt import Receipt, read_receipt, spec_digest
from peephole.store.store import Store, stored_digest

AGAIN = "peephole store check --repair discards it, the next run makes it again"
LOOK = "it is as it was: look for what this environment lacks (h5py, hdf5plugin, the disk)"
CHECKSUM = "Fletcher32"
"""What HDF5 says of a chunk whose own checksum is wrong."""


@dataclass(frozen=True)
class Fault:
    """What is wrong with one shard.

    Attributes:
        kind, digest: of the shard.
        what: is wrong, said of the file.
        do: about it.
        mends: whether to discard the shard mends it.
    """

    kind: str
    digest: str
    what: str
    do: str = AGAIN
    mends: bool = True

    @property
    def file(self) -> str:
        """The shard, as seen from the folder of results."""
        return f"store/{self.kind}/{self.digest}{SHARD}"

    def __str__(self) -> str:
        return f"{self.file} {self.what}; {self.do}."


def shard_fault(store: Store, kind: str, digest: str, *, arrays: bool = False) -> Fault | None:
    """What is wrong with a shard: its bytes are compared with its receipt, and both with its name.

    Receipts are no part of what their sha256 covers, and tables are made of the facts in them.

    Args:
        store: only read.
        kind: of the shard.
        digest: of the shard.
        arrays: whether to read the arrays, too: whether HDF5 can, and finds its own checksums right.
    """
    try:
        return _fault(store, kind, digest, arrays)
    except PeepholeError as error:
        return _foreign(kind, digest, error)


def _fault(store: Store, kind: str, digest: str, arrays: bool) -> Fault | None:
    path = store.path(kind, digest)
    receipt = read_receipt(path.with_suffix(RECEIPT))
    if receipt is None:
        return Fault(kind, digest, "has a receipt that cannot be read" if path.exists() else "is missing")
    try:
        with regular_file(path, f"store/{kind}/{path.name}"):
            pass
    except FileNotFoundError:
        return Fault(kind, digest, "is missing, its receipt is there", "the next run makes it again")
    length = path.stat().st_size
    if length != receipt.bytes:
        return Fault(kind, digest, f"is {length} bytes long, its receipt says {receipt.bytes}")
    if stored_digest(path) != receipt.sha256:
        return Fault(kind, digest, "does not match its receipt")
    if (receipt.kind, receipt.digest, spec_digest(receipt.spec)) != (kind, digest, digest):
        return Fault(kind, digest, "has the receipt of another unit")
    return _content_fault(store, receipt, arrays)


def _content_fault(store: Store, receipt: Receipt, arrays: bool) -> Fault | None:
    kind, digest = receipt.kind, receipt.digest
    try:
        shard = OpenShard(store.path(kind, digest))
        try:
            if receipt.facts != json.loads(json.dumps(shard.facts)):
                return Fault(kind, digest, "has a receipt with other facts than its own")
            for name in shard.names if arrays else ():
                for _ in shard.parts(name):
                    pass
        finally:
            shard.close()
    except Unreadable as error:
        return _foreign(kind, digest, error)
    except OSError as error:
        reason = str(error).splitlines()[0]
        if CHECKSUM in reason:
            return Fault(kind, digest, f"was written damaged ({reason})")
        return Fault(
            kind, digest, f"holds the bytes that were written, and cannot be read here ({reason})", LOOK, False
        )
    return None


def _foreign(kind: str, digest: str, error: PeepholeError) -> Fault:
    what, _, do = str(error).partition("; ")
    return Fault(kind, digest, what.partition(" ")[2], do.removesuffix("."), mends=False)


def check_store(store: Store, report: Callable[[int, int], None] = lambda done, of: None) -> list[Fault]:
    """Read every shard of a store whole, and say what is wrong; shards without receipts do not count.

    Args:
        store: only read.
        report: told how many bytes are read, and of how many.
    """
    there = {kind: names(store, kind) for kind in kinds(store)}
    shards = [(kind, digest) for kind, found in there.items() for digest in found if RECEIPT in found[digest]]
    lengths = {kind: store.sizes(kind) for kind in there}
    total, done, faults = sum(lengths[kind].get(digest, 0) for kind, digest in shards), 0, []
    known = {digest for _, digest in shards}
    for kind, digest in shards:
        fault = shard_fault(store, kind, digest, arrays=True) or _input_fault(store, kind, digest, known)
        if fault is not None:
            faults.append(fault)
        done += lengths[kind].get(digest, 0)
        report(done, total)
    return faults


def _input_fault(store: Store, kind: str, digest: str, known: set[str]) -> Fault | None:
    receipt = read_receipt(store.path(kind, digest).with_suffix(RECEIPT))
    lost = sorted(f"{role} {one}" for role, one in (receipt.inputs if receipt else {}).items() if one not in known)
    if not lost:
        return None
    return Fault(
        kind, digest, f"was made of what is not there: {', '.join(lost)}", "the next run makes that again", False
    )


def repair(store: Store, faults: Iterable[Fault]) -> list[Fault]:
    """Discard the shards that this mends, each under its lease; those that were.

    What somebody is making again already is left alone, and so is what is sound by now.
    """
    discarded = []
    for fault in faults:
        lease = store.leases.take(fault.digest, "look at a damaged shard") if fault.mends else None
        if lease is None:
            continue
        try:
            if shard_fault(store, fault.kind, fault.digest, arrays=True) is not None:
                store.discard(fault.kind, fault.digest)
                discarded.append(fault)
        finally:
            lease.release()
    return discarded
