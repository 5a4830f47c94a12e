"""Leases: who computes which unit now, so that two processes on one store do not compute the same for long.

A lease is a file ``leases/ab/KEY.GENERATION``. Creating it is exclusive on every file system, network file systems among
them; its holder rewrites it again and again (the heartbeat). A lease whose heart has not beaten for `EXPIRY` seconds, or
whose owner was on this machine and is gone, is succeeded: whoever creates the *next generation* has it, and only one
can. Nothing is ever renamed over or taken away from under a holder.

Leases save work, they do not protect data: a shard is written whole or not at all, and by two processes as well as by
one. A holder that was stopped for longer than `EXPIRY` may therefore go on; its work is done twice, no harm else.

Ages are told by the clock of the file system alone, never by those of two machines.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from peephole.store.owner import Owner, this_process

HEARTBEAT = 10.0
"""Seconds between two beats."""
EXPIRY = 90.0
"""Seconds without one after which a lease counts for nothing: network file systems show the past for up to 60."""
FOLDER = "leases"


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


class Clock(Protocol):
    """Time as a file system has it."""

    def now(self) -> float:
        """Seconds since 1970."""
        ...

    def changed(self, path: Path) -> float:
        """When a file was last written.

        Raises:
            FileNotFoundError: there is none.
        """
        ...


class FileClock:
    """The time stamps of the file system that ``folder`` is on."""

    def __init__(self, folder: Path) -> None:
        self._own = folder / f".clock-{this_process().token}"

    def now(self) -> float:
        """Seconds since 1970, as a file that is written now gets them."""
        self._own.write_bytes(b"")
        try:
            return self._own.stat().st_mtime
        finally:
            self._own.unlink(missing_ok=True)

    def changed(self, path: Path) -> float:
        """When a file was last written. It is opened, so that a network file system asks its server."""
        with path.open("rb") as file:
            return os.fstat(file.fileno()).st_mtime


class Lease:
    """The right to compute one unit, until it is released or its heart stops."""

    def __init__(self, leases: Leases, key: str, path: Path, work: Work) -> None:
        self.key = key
        self.path = path
        self._leases = leases
        self._work = work
        self._told = time.monotonic()

    def tell(self, share: float) -> None:
        """Say how far the work is; written at most once a second."""
        self._work = Work(self._work.label, self._work.device, share, self._work.began)
        if time.monotonic() - self._told > 1:
            self.beat()

    def beat(self) -> None:
        """Show that the owner is alive. A lease that was taken away stays away."""
        self._told = time.monotonic()
        with suppress(FileNotFoundError):
            descriptor = os.open(self.path, os.O_WRONLY | os.O_TRUNC)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(_text(self._leases.owner, self._work))

    def release(self) -> None:
        """Let go of it, finished or not."""
        self._leases.release(self)


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
        """The lease of ``key``, or None if somebody alive has it."""
        generations = self._generations(key)
        if generations and self._is_alive(self._path(key, generations[-1])):
            return None
        generation = generations[-1] + 1 if generations else 0
        path = self._path(key, generation)
        lease = Lease(self, key, path, Work(label, device, 0.0, time.time()))
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            return None
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(_text(self.owner, lease._work))
        if self._generations(key)[-1:] != [generation]:
            path.unlink(missing_ok=True)  # made from a look at the folder that was too old
            return None
        with self._lock:
            self._mine[path] = lease
            self._start_heart()
        return lease

    def release(self, lease: Lease) -> None:
        """Take away a lease and those that it succeeded, the own one last."""
        with self._lock:
            self._mine.pop(lease.path, None)
        own = int(lease.path.suffix[1:])
        for generation in self._generations(lease.key):
            if generation <= own:
                self._path(lease.key, generation).unlink(missing_ok=True)

    def is_free(self, key: str) -> bool:
        """Whether nobody alive has the lease of ``key``."""
        generations = self._generations(key)
        return not generations or not self._is_alive(self._path(key, generations[-1]))

    def alive(self) -> list[Held]:
        """All leases whose holders are at work, those of this process among them."""
        found = []
        for path in self._files():
            held = _read(path)
            if held is not None and self._is_alive(path, held.owner):
                found.append(held)
        return found

    def sweep(self) -> int:
        """Take away the leases of holders that are gone for certain or for long; how many there were."""
        dead = [path for path in self._files() if not self._is_alive(path)]
        for path in dead:
            path.unlink(missing_ok=True)
        return len(dead)

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

    def _is_alive(self, path: Path, owner: Owner | None = None) -> bool:
        if path in self._mine:
            return True
        if owner is None:
            held = _read(path)
            owner = held.owner if held else None
        if owner is not None and owner.is_gone:
            return False
        try:
            return self._clock.now() - self._clock.changed(path) < self._expiry
        except FileNotFoundError:
            return False

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


def _text(owner: Owner, work: Work) -> str:
    return json.dumps({"owner": asdict(owner), "work": asdict(work)})


def _read(path: Path) -> Held | None:
    """What a lease says; None while it is being written, or if it is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Held(path.stem, Owner(**content["owner"]), Work(**content["work"]))
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None
