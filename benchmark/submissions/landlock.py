"""Landlock: from now on this process and its children reach the listed files only. Linux 5.13 and later; torch-free.

There is no package for it, and it is three system calls. See ``man 7 landlock`` for the numbers.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from peephole.submissions.kernel import checked, forgo_privileges, system

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
VERSION = 1  # flag of CREATE_RULESET: only say which version there is
PATH_BENEATH = 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = (1 << bit for bit in range(4))
TRUNCATE = 1 << 14
FIRST = (1 << 13) - 1
"""Every right of the first version."""
LATER = ((2, 1 << 13), (3, TRUNCATE))
"""Rights that came later, by version: moving files between folders, and truncating them."""
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE
"""Rights that a rule about a single file may give."""
TCP = 0b11
"""Binding and connecting; version 4."""
SCOPES = 0b11
"""Abstract sockets of others, and signals to them; version 6."""


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def version() -> int:
    """Which version of Landlock this system has; 0 if none."""
    if not sys.platform.startswith("linux"):
        return 0
    found: int = system().syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(VERSION))
    return max(0, found)


def restrict(readable: Iterable[Path], writable: Iterable[Path]) -> None:
    """Allow this process to read (and run) what lies at or below ``readable``, to write below ``writable`` as well, and
    nothing else; no TCP from version 4 on, no signals to other processes from version 6 on. Paths that are not there
    are left out. Only this thread and what it starts are restricted: call it before there are others.

    Raises:
        OSError: the system refuses.
    """
    there = version()
    rights = FIRST | sum(right for since, right in LATER if there >= since)
    ruleset = _Ruleset(rights, TCP if there >= 4 else 0, SCOPES if there >= 6 else 0)
    size = ctypes.sizeof(_Ruleset) if there >= 6 else 16 if there >= 4 else 8
    rules = checked(system().syscall(CREATE_RULESET, ctypes.byref(ruleset), ctypes.c_size_t(size), ctypes.c_uint32(0)))
    try:
        for path in readable:
            _allow(rules, path, EXECUTE | READ_FILE | READ_DIR)
        for path in writable:
            _allow(rules, path, rights)
        forgo_privileges()
        checked(system().syscall(RESTRICT_SELF, ctypes.c_int(rules), ctypes.c_uint32(0)))
    finally:
        os.close(rules)


def _allow(rules: int, path: Path, rights: int) -> None:
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # not there, or out of this user's reach: there is nothing to allow
    try:
        rule = _PathBeneath(rights if path.is_dir() else rights & OF_FILES, parent)
        arguments = (ctypes.c_int(rules), ctypes.c_int(PATH_BENEATH), ctypes.byref(rule), ctypes.c_uint32(0))
        checked(system().syscall(ADD_RULE, *arguments))
    finally:
        os.close(parent)
