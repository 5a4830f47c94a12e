"""One lease: a file that says whose it is, and that is written to as long as its holder is alive.

Every step on a file is a call of `os`: the proof of the protocol stops between any two of them.
"""
# ruff: noqa: PTH108

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from peephole.store.owner import Owner


@dataclass(frozen=True)
class Work:
    """What a holder says of its work.

    Attributes:
        label: of the unit, or of the first of several that are computed together.
        device: that it computes on.
        share: that is done, in [0,1].
        began: seconds since 1970, by the holder's clock.
    """

    label: str = ""
    device: str = ""
    share: float = 0.0
    began: float = 0.0


@dataclass(frozen=True)
class Held:
    """A lease as others see it."""

    key: str
    owner: Owner
    work: Work


class Lease:
    """The right to compute one unit, until it is released or its heart stops.

    Args:
        key: of the unit.
        path: of the file, which is the lease.
        owner: who is to have it.
        work: what for.
        let_go: takes the file away.
    """

    def __init__(self, key: str, path: Path, owner: Owner, work: Work, let_go: Callable[[Lease], None]) -> None:
        self.key = key
        self.path = path
        self._owner = owner
        self._work = work
        self._let_go = let_go
        self._start = f'{{"lease": "{uuid.uuid4().hex}"'
        self._told = time.monotonic()

    @property
    def is_mine(self) -> bool:
        """Whether the file is there and says so: after a long stop, it may be gone or another's."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY)
        except FileNotFoundError:
            return False
        try:
            return self._says_so(descriptor)
        finally:
            os.close(descriptor)

    def create(self) -> bool:
        """Create the file; whether it was not there.

        Raises:
            OSError: the disk does not take it. Nothing is left.
        """
        try:
            descriptor = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            return False
        try:
            self._write(descriptor)
        except OSError:
            os.unlink(self.path)
            raise
        finally:
            os.close(descriptor)
        return True

    @property
    def deaths(self) -> int:
        """How many holders in a row ended without letting go of it before this one took it."""
        return int(self.path.suffix[1:])

    def tell(self, share: float) -> None:
        """Say how far the work is; written at most once a second."""
        self._work = Work(self._work.label, self._work.device, share, self._work.began)
        if time.monotonic() - self._told > 1:
            with suppress(OSError):  # a full disk, say: leases only save work
                self.beat()

    def beat(self) -> None:
        """Show that the owner is alive. A lease that was taken away stays away, and one that another has is its own.

        Raises:
            OSError: the disk does not even take the time.
        """
        self._told = time.monotonic()
        with suppress(FileNotFoundError):
            descriptor = os.open(self.path, os.O_RDWR)
            try:
                if self._says_so(descriptor):
                    self._rewrite(descriptor)
            finally:
                os.close(descriptor)

    def release(self) -> None:
        """Let go of it, finished or not."""
        self._let_go(self)

    def _says_so(self, descriptor: int) -> bool:
        return os.read(descriptor, len(self._start)) == self._start.encode()

    def _rewrite(self, descriptor: int) -> None:
        try:
            os.lseek(descriptor, 0, os.SEEK_SET)
            self._write(descriptor)
        except OSError:
            os.utime(self.path)  # needs no room

    def _write(self, descriptor: int) -> None:
        """Over what is there, whose start stays as it is; never empty in between, which might be for good."""
        rest = json.dumps({"owner": asdict(self._owner), "work": asdict(self._work)})
        content = f"{self._start}, {rest.removeprefix('{')}".encode()
        if os.write(descriptor, content) < len(content):
            raise OSError("the disk took a part only")
        os.ftruncate(descriptor, len(content))


def read_lease(path: Path) -> Held | None:
    """What a lease says; None while it is being written, or if it is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Held(path.stem, Owner(**content["owner"]), Work(**content["work"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None
