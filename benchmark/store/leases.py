"""Leases: who computes which unit now, so that two processes on one store do not compute the same for long.

A lease is a file ``leases/ab/KEY.GENERATION``. Creating it is exclusive on every file system, those of networks among
them; its holder writes to it again and again (the heartbeat). A lease whose heart has not beaten for `EXPIRY` seconds,
or whose owner was on this machine and is gone, counts for nothing: whoever creates the *next generation* succeeds it.

Nobody trusts a look at the folder that is older than its own file. Who has created one looks again: it has the lease if
nobody else alive is seen and the file is still its own, else it withdraws. Of two that create files, one looks after
the other has created. Who releases a lease beats once more and looks again, too, before it takes files away: its own,
and older ones, the own one last. So files are taken away from nobody who is alive.

Leases save work, they do not protect data: a shard is written whole or not at all, and by two processes as well as by
one. A holder that was stopped for longer than `EXPIRY` may therefore go on; its work is done twice, no harm else.

Ages are told by the clock of the file system alone, never by those of two machines.
"""
# ruff: noqa: PTH108, PTH208

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from peephole.store.clock import Clock, FileClock
from peephole.store.lease import Held, Lease, Work, read_lease
from peephole.store.owner import Owner, this_process

HEARTBEAT = 10.0
"""Seconds between two beats."""
EXPIRY = 90.0
"""Seconds without one after which a lease counts for nothing: network file systems show the past for up to 60."""
FOLDER = "leases"
RUNS = "run-"
"""Begins the keys of leases on no unit, by which runs show that they are there, whatever they do."""


class Leases:
    """The leases of one store.

    Args:
        root: of the store.
        expiry: seconds, see `EXPIRY`.
        heartbeat: seconds, see `HEARTBEAT`; None for holders that beat themselves.
        clock: by default the file system's.
        owner: by default this process.
    """

    def __init__(
        self,
        root: Path,
        *,
        expiry: float = EXPIRY,
        heartbeat: float | None = HEARTBEAT,
        clock: Clock | None = None,
        owner: Owner | None = None,
    ) -> None:
        self.folder = root / FOLDER
        self.owner = owner or this_process()
        self._expiry = expiry
        self._heartbeat = heartbeat
        self._clock = clock or FileClock(self.folder)
        self._mine: dict[Path, Lease] = {}
        self._lock = threading.Lock()
        self._heart: threading.Thread | None = None

    def take(self, key: str, label: str = "", device: str = "") -> Lease | None:
        """The lease of ``key``, or None if somebody alive has it, or is about to.

        Raises:
            OSError: the disk does not take it. Nothing is left.
        """
        generations = self._generations(key)
        if self._is_held(key, generations):
            return None
        path = self._path(key, generations[-1] + 1 if generations else 0)
        lease = Lease(key, path, self.owner, Work(label, device, 0.0, time.time()), self.release)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not lease.create():
            return None
        others = [each for each in self._generations(key) if self._path(key, each) != path]
        if self._is_held(key, others):
            with suppress(FileNotFoundError):  # one of the others may take it away first
                if lease.is_mine:
                    os.unlink(path)
            return None
        if not lease.is_mine:  # seen last: who took it away was there still when it did
            return None
        with self._lock:
            self._mine[path] = lease
            self._start_heart()
        return lease

    def release(self, lease: Lease) -> None:
        """Take away a lease and those that it succeeded, the own one last.

        A lease that has been succeeded is its successor's to take away. What a failing disk keeps expires.
        """
        with self._lock:
            if self._mine.get(lease.path) is lease:
                del self._mine[lease.path]
        with suppress(OSError):
            lease.beat()  # from here on nobody succeeds it
            generations = self._generations(lease.key)
            own = int(lease.path.suffix[1:])
            if generations[-1:] == [own] and lease.is_mine:
                for generation in generations:
                    with suppress(FileNotFoundError):
                        os.unlink(self._path(lease.key, generation))

    def is_free(self, key: str) -> bool:
        """Whether it is certain that nobody alive has the lease of ``key``."""
        try:
            return not self._is_held(key, self._generations(key))
        except OSError:
            return False

    def alive(self) -> list[Held]:
        """All leases whose holders are at work, as far as can be told, those of this process among them."""
        found = []
        for path in self._files():
            held = read_lease(path)
            if held is not None and self._may_be_alive(path, held.owner):
                found.append(held)
        return found

    def sweep(self) -> int:
        """Take away the leases of holders that are gone for certain or for long; of how many units there were such.

        Each is taken, then released: nobody else can have taken it in between.

        Raises:
            OSError: the disk does not let us.
        """
        taken = [lease for key in sorted({path.stem for path in self._files()}) if (lease := self.take(key))]
        for lease in taken:
            lease.release()
        return len(taken)

    def _files(self) -> Iterator[Path]:
        return (path for path in self.folder.glob("??/*") if path.suffix[1:].isdecimal())

    def _path(self, key: str, generation: int) -> Path:
        return self.folder / key[:2] / f"{key}.{generation}"

    def _generations(self, key: str) -> list[int]:
        try:
            names = os.listdir(self.folder / key[:2])
        except FileNotFoundError:
            return []
        found = [name.rpartition(".") for name in names]
        return sorted(int(number) for stem, _, number in found if stem == key and number.isdecimal())

    def _is_held(self, key: str, generations: list[int]) -> bool:
        """Whether the owner of any of these is alive: mostly that of the last."""
        return any(self._is_alive(self._path(key, generation)) for generation in reversed(generations))

    def _is_alive(self, path: Path, owner: Owner | None = None) -> bool:
        if path in self._mine:
            return True
        if owner is None:
            held = read_lease(path)
            owner = held.owner if held else None
        if owner is not None and owner.is_gone:
            return False
        try:
            # A time that is far ahead is of a clock that was wrong, or of a copy: it would count for ever.
            return abs(self._clock.now() - self._clock.changed(path)) < self._expiry
        except FileNotFoundError:
            return False

    def _may_be_alive(self, path: Path, owner: Owner) -> bool:
        try:
            return self._is_alive(path, owner)
        except OSError:
            return True  # on a disk that is not ours to write to, there is no clock

    def _start_heart(self) -> None:
        if self._heart is None and self._heartbeat is not None:
            self._heart = threading.Thread(target=self._beat, args=(self._heartbeat,), name="heartbeat", daemon=True)
            self._heart.start()

    def _beat(self, every: float) -> None:
        """Until there is nothing to beat for."""
        while True:
            time.sleep(every)
            with self._lock:
                mine = list(self._mine.values())
                if not mine:
                    self._heart = None
                    return
            for lease in mine:
                with suppress(OSError):  # a full disk, say: leases only save work
                    lease.beat()


@contextmanager
def released(leases: list[Lease]) -> Iterator[None]:
    """Let go of whatever is in the list when the block is left."""
    try:
        yield
    finally:
        for lease in leases:
            lease.release()
