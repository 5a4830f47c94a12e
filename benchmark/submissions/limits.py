"""What a submission may use; torch-free."""

from __future__ import annotations

from dataclasses import dataclass, field

import psutil

from peephole.errors import PeepholeError

GIGA = 2**30


def _half_of_memory() -> int:
    return int(psutil.virtual_memory().total) // 2


@dataclass(frozen=True)
class Limits:
    """Limits of one submission's process and all that it starts.

    Attributes:
        seconds: for one batch of pictures at all layers, start-up and loading included where they happen.
        memory: bytes of resident memory, of all its processes together; by default half of the machine's.
        processes: it may run at once, itself included.
        files: it may hold open.
        output: bytes that it may print.
        disk: bytes of its working folder, and of each file.

    Raises:
        PeepholeError: a limit is not above 0.
    """

    seconds: float = 120.0
    memory: int = field(default_factory=_half_of_memory)
    processes: int = 16
    files: int = 256
    output: int = 1_000_000
    disk: int = 256 * 2**20

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise PeepholeError(f"the limit of {name} is {value}; expected a number above 0.")
