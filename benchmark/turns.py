"""Whose turn it is in a folder: one at a time, or what one writes would be missing from what the other does."""

from __future__ import annotations

import errno
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

LOCK = ".submitting"
WITHOUT = ".submitting-without-locks"
"""The file that stands for the lock on disks that have none: whoever makes it has it."""
NO_LOCKS = frozenset((errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL))
"""What a disk without locks says."""


@contextmanager
def turn(folder: Path, busy: Callable[[], Any]) -> Iterator[None]:
    """Nobody else has a turn in ``folder`` during the block. Others are waited for, unless ``busy`` raises.

    On disks without locks (some network file systems and containers) a file that is made and taken away stands for the
    lock; it holds the number of its process, and that of one that is gone does not count on the same machine.

    Args:
        folder: with results.
        busy: called if there is somebody to be waited for.
    """
    lock = _taken(FileLock(folder / LOCK), busy) or _taken(SoftFileLock(folder / WITHOUT), busy)
    assert lock is not None
    try:
        yield
    finally:
        lock.release()


def _taken(lock: BaseFileLock, busy: Callable[[], Any]) -> BaseFileLock | None:
    """The lock, held; None if the disk has no such locks."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # filelock has a file of its own for one of the ways to have no locks
            try:
                lock.acquire(timeout=0)
            except Timeout:
                busy()
                lock.acquire()
    except NotImplementedError:  # how filelock says that there is no flock
        return None
    except OSError as error:
        if isinstance(error, Timeout) or error.errno not in NO_LOCKS:
            raise
        return None
    return lock
