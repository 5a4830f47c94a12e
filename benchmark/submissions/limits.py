"""What a submission may use; torch-free."""

from __future__ import annotations

from dataclasses import dataclass, field

import psutil

from peephole.errors import PeepholeError

GIGA = 2**30


LONGEST = 86_400.0
"""Seconds in a day: no batch takes longer."""


def _a_quarter_of_memory() -> int:
    return int(psutil.virtual_memory().total) // 4


@dataclass(frozen=True)
class Limits:
    """Limits of one submission's process and all that it starts.

    Attributes:
        seconds: for one batch of pictures at all layers, start-up and loading included where they happen.
        memory: bytes of resident memory, of all its processes together; by default a quarter of the machine's, as
            several may run at once.
        processes: it may run at once, itself included.
        threads: of all of them together.
        files: it may hold open.
        output: bytes that it may print.
        disk: bytes of its working folder, and of each file.

    Raises:
        PeepholeError: a limit is not above 0.
    """

    seconds: float = 120.0
    memory: int = field(default_factory=_a_quarter_of_memory)
    processes: int = 16
    threads: int = 512
    files: int = 256
    output: int = 1_000_000
    disk: int = 256 * 2**20

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 < value < float("inf"):
                raise PeepholeError(f"the limit of {name} is {value}; expected a number above 0.")
        if self.seconds > LONGEST:
            raise PeepholeError(f"the limit of seconds is {self.seconds:g}; expected {LONGEST:g}, a day, at most.")

    def capped(self) -> Limits:
        """These limits, but no more than what is usual, and an hour: for those that somebody else has set."""
        usual = Limits()
        lower = {name: min(value, getattr(usual, name)) for name, value in vars(self).items() if name != "seconds"}
        return Limits(seconds=min(self.seconds, 3600.0), **lower)
