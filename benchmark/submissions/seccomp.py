"""A filter of system calls: no sockets, no memory that belongs to no file. Linux on x86-64 and ARM64; torch-free.

Namespaces take the network away, but not the sockets that lie in the file system, such as those of a session bus or of
Docker, and Landlock does not govern those yet. See ``man 2 seccomp`` and ``linux/filter.h`` for the numbers.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from collections.abc import Mapping
from types import MappingProxyType

from peephole.submissions.kernel import checked, forgo_privileges, system

SET_SECCOMP, FILTER = 22, 2
LOAD, JUMP_EQUAL, JUMP_FROM, RETURN = 0x20, 0x15, 0x35, 0x06
CALL, ARCHITECTURE = 0, 4
"""Where in what the filter sees the number of the call stands, and that of the architecture."""
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | 13
"""13 is EACCES."""
OTHER_CALLS = 0x40000000
"""From here on are the calls of x32, which are the same under other numbers."""

ARCHITECTURES: Mapping[str, int] = MappingProxyType({"x86_64": 0xC000003E, "aarch64": 0xC00000B7})
REFUSED: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {
        "x86_64": {
            **{"socket": 41, "connect": 42, "bind": 49, "socketpair": 53, "io_uring_setup": 425},
            **{"ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311},
            **{"shmget": 29, "memfd_create": 319},
        },
        "aarch64": {
            **{"socket": 198, "connect": 203, "bind": 200, "socketpair": 199, "io_uring_setup": 425},
            **{"ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271},
            **{"shmget": 194, "memfd_create": 279},
        },
    }
)
"""The calls that are refused, by architecture: ways to other processes, and memory that nobody counts."""
OF_DRIVERS = frozenset({"memfd_create"})
"""Those that drivers of accelerators need."""


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("value", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(_Instruction)))


def is_known() -> bool:
    """Whether there is a filter for this machine."""
    return sys.platform.startswith("linux") and platform.machine() in ARCHITECTURES


def refuse_calls(*, drivers: bool) -> None:
    """Refuse the calls with EACCES, in this thread and in all that it starts; for good.

    Args:
        drivers: whether drivers of an accelerator must work.

    Raises:
        OSError: the system refuses.
    """
    machine = platform.machine()
    calls = [number for name, number in REFUSED[machine].items() if not (drivers and name in OF_DRIVERS)]
    # The two returns stand at the end; jumps count the instructions that they skip.
    size = len(calls)
    steps = [
        (LOAD, 0, 0, ARCHITECTURE),
        (JUMP_EQUAL, 0, size + 3, ARCHITECTURES[machine]),
        (LOAD, 0, 0, CALL),
        (JUMP_FROM, size + 1, 0, OTHER_CALLS),
        *((JUMP_EQUAL, size - place, 0, number) for place, number in enumerate(calls)),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, REFUSE),
    ]
    instructions = (_Instruction * len(steps))(*(_Instruction(*step) for step in steps))
    program = _Program(len(steps), instructions)
    forgo_privileges()
    checked(system().prctl(SET_SECCOMP, FILTER, ctypes.byref(program), 0, 0))
