"""The store: shards named by the digest of their unit, each with a receipt.

A shard counts only with its receipt, which is written after it and holds its sha256. Whatever a killed process leaves
behind has no receipt and is written again. A shard that does not match its receipt is not trusted but made again.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from peephole._version import __version__
from peephole.errors import PeepholeError
from peephole.files import write_atomically, write_text
from peephole.hdf5_files import regular_file
from peephole.store.leases import RUNS, Leases
from peephole.store.opened import OpenShard
from peephole.store.receipt import Receipt, read_receipt
from peephole.store.shard import Shard, read_shard, write_shard


class DamagedShard(Exception):
    """A shard that is not what its receipt says."""

    def __init__(self, path: Path, kind: str, digest: str) -> None:
        super().__init__(f"{path} does not match its receipt")
        self.kind = kind
        self.digest = digest


class StorageError(PeepholeError):
    """The disk did not take what was to be stored: it is full, failing or not writable. Nothing was half-written."""


TEMPORARY = "tmp"
"""The folder of whatever is not finished. When nobody is at work, what is in it was left by somebody who was killed."""
CHECKPOINTS = "checkpoints"
"""The folder of states of trainings, named by the digests of their units."""
FAILURES = "failures"
"""The folder of what failed in runs that are under way, see `peephole.engines.failures`."""


class _Finished(Exception):
    """Somebody else has written the shard."""

    def __init__(self, receipt: Receipt) -> None:
        super().__init__(receipt.digest)
        self.receipt = receipt


class Store:
    """A folder of shards.

    Args:
        root: the folder; made when the first shard is written.

    Attributes:
        leases: who computes what now.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.leases = Leases(root)

    def path(self, kind: str, digest: str) -> Path:
        """Where a shard lies, or would lie."""
        return self.root / kind / f"{digest}.h5"

    def sizes(self, kind: str) -> dict[str, int]:
        """The shards of a kind that have receipts: their lengths in bytes by digest.

        Two looks at a folder tell it for any number of shards. Whether a shard is as long as its receipt says, and
        holds what was written, is seen when it is opened.
        """
        try:
            with os.scandir(self.root / kind) as entries:
                files = {entry.name: entry for entry in entries}
        except FileNotFoundError:
            return {}
        stems = (name.removesuffix(".json") for name in files if name.endswith(".json"))
        return {stem: files[f"{stem}.h5"].stat().st_size for stem in stems if f"{stem}.h5" in files}

    def digests(self, kind: str) -> set[str]:
        """The shards of a kind that have receipts. One look at a folder tells it for any number, see `sizes`."""
        try:
            names = {path.name for path in (self.root / kind).iterdir()}
        except FileNotFoundError:
            return set()
        stems = (name.removesuffix(".json") for name in names if name.endswith(".json"))
        return {stem for stem in stems if f"{stem}.h5" in names}

    def receipt(self, kind: str, digest: str) -> Receipt | None:
        """The receipt of a shard that is there in its full length, else None.

        Raises:
            PeepholeError: the receipt is whole and one of a later version.
        """
        path = self.path(kind, digest)
        receipt = read_receipt(path.with_suffix(".json"))
        try:
            return receipt if receipt and path.stat().st_size == receipt.bytes else None
        except FileNotFoundError:
            return None

    def write(self, kind: str, digest: str, spec: dict[str, Any], shard: Shard, seconds: float) -> Receipt:
        """Write a shard, then its receipt. What is there already with its receipt stays, whoever finished it meanwhile:
        two processes that computed the same unit agree in all but their times.

        Raises:
            StorageError: the disk is full, failing or not writable.
        """
        path = self.path(kind, digest)
        through = self.root / TEMPORARY
        with self._storing():
            # Its name reaches the disk with the receipt's; a receipt that lost its shard to a power cut counts as none.
            written: dict[str, Any] = {}

            def write(file: Path) -> None:
                write_shard(file, shard)
                written.update(sha256=file_digest(file), bytes=file.stat().st_size)
                if (there := self.receipt(kind, digest)) is not None:
                    raise _Finished(there)

            try:
                write_atomically(path, write, settle=False, through=through)
            except _Finished as finished:
                return finished.receipt
            receipt = Receipt(
                kind=kind,
                digest=digest,
                spec=spec,
                facts=dict(shard.facts),
                **written,
                seconds=round(seconds, 3),
                created=datetime.now(UTC).isoformat(timespec="seconds"),
                peephole_version=__version__,
            )
            text = json.dumps(asdict(receipt), indent=1, sort_keys=True)
            write_atomically(path.with_suffix(".json"), partial(write_text, text=text), through=through)
        return receipt

    @contextmanager
    def _storing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self.refused(error) from error

    def refused(self, error: OSError) -> StorageError:
        """What to tell a user whose disk did not take something."""
        place = self.root.parent
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return StorageError(
                f"no space left on the disk of {place}; what is done is kept: make room, then give the same command."
            )
        return StorageError(
            f"cannot write to {place} ({error.strerror or error}); what is done is kept: mend that, then give the same "
            "command."
        )

    def facts(self, kind: str, digest: str) -> dict[str, Any]:
        """The facts of a shard, from its receipt.

        Raises:
            DamagedShard: it is not there, or not in its full length.
        """
        return self.known(kind, digest).facts

    def known(self, kind: str, digest: str) -> Receipt:
        """The receipt of a shard that should be there.

        Raises:
            DamagedShard: it is not there, or not in its full length.
        """
        receipt = self.receipt(kind, digest)
        if receipt is None:
            raise DamagedShard(self.path(kind, digest), kind, digest)
        return receipt

    def read(self, kind: str, digest: str) -> Shard:
        """Read a shard after comparing it with its receipt.

        Raises:
            DamagedShard: it is missing, or its bytes are not those that were written.
            Unreadable: its bytes are, and it cannot be read here, see `peephole.hdf5_files`.
        """
        return read_shard(self._compared(kind, digest))

    def open(self, kind: str, digest: str) -> OpenShard:
        """A shard to be read in parts, after comparing it with its receipt.

        Raises:
            DamagedShard: see `read`.
        """
        return OpenShard(self._compared(kind, digest))

    def _compared(self, kind: str, digest: str) -> Path:
        path, receipt = self.path(kind, digest), self.known(kind, digest)
        if stored_digest(path) != receipt.sha256:
            raise DamagedShard(path, kind, digest)
        return path

    @contextmanager
    def present(self, what: str) -> Iterator[None]:
        """Show in the block that somebody is at work, also between units: nothing is taken for left behind or unused.

        Raises:
            StorageError: the disk is full, failing or not writable.
        """
        with self._storing():
            lease = self.leases.take(f"{RUNS}{uuid.uuid4().hex}", what)
        try:
            yield
        finally:
            if lease is not None:
                lease.release()

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """An empty folder on the store's disk, gone afterwards."""
        place = self.root / TEMPORARY
        place.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix="scratch-", dir=place, ignore_cleanup_errors=True) as folder:
            yield Path(folder)

    def waiting(self, path: Path, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """A float32 array on disk, to be filled; all of its room is taken now.

        A disk that is full only when a page is written back would end the process with a bus error.

        Raises:
            StorageError: there is no room.
        """
        with self._storing():
            array = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
            if hasattr(os, "posix_fallocate"):
                with path.open("r+b") as file:
                    os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
        return array

    def discard_damaged(self, kind: str, digest: str) -> bool:
        """Discard a shard if it is damaged and nobody else is at it, making it again; whether it was discarded."""
        lease = self.leases.take(digest, "look at a damaged shard")
        if lease is None:
            return False
        try:
            self._compared(kind, digest)
        except DamagedShard:
            self.discard(kind, digest)
            return True
        finally:
            lease.release()
        return False

    def discard(self, kind: str, digest: str) -> None:
        """Take a shard's receipt away, then the shard: it will be made again."""
        path = self.path(kind, digest)
        path.with_suffix(".json").unlink(missing_ok=True)
        path.unlink(missing_ok=True)


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def stored_digest(path: Path) -> str:
    """The same of a shard.

    Raises:
        UnsafeFile: it is no regular file: a pipe has no end.
    """
    with regular_file(path, f"store/{path.parent.name}/{path.name}") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
