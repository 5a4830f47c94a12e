"""Whose turn it is to write the board of a folder: one at a time, or rows of one would be missing from the other's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

LOCK = ".submitting"


@contextmanager
def turn(folder: Path, busy: Callable[[], None]) -> Iterator[None]:
    """Nobody else writes the board of ``folder``, or submits to it, in the block. Others are waited for.

    Args:
        folder: with results.
        busy: called if there is somebody to be waited for.
    """
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        busy()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
