"""System calls that Python has no functions for; torch-free."""

from __future__ import annotations

import ctypes
import os

NO_NEW_PRIVILEGES = 38


def system() -> ctypes.CDLL:
    """The C library of this process."""
    return ctypes.CDLL(None, use_errno=True)


def checked(result: int) -> int:
    """What a call returned.

    Raises:
        OSError: it failed.
    """
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def forgo_privileges() -> None:
    """Nothing that this process starts gets more rights than it has: what the kernel wants before a process may shut
    itself in.

    Raises:
        OSError: the system refuses.
    """
    checked(system().prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0))
