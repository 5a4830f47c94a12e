"""What was worked out once, what it took, and what it stands on."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Ledger:
    """Results by key. Each is worked out at its first use, and its time is booked without that of what it asked for.

    Args:
        synchronise: called before each look at the clock, so that a device has done what it was given.
    """

    def __init__(self, synchronise: Callable[[], object] = lambda: None) -> None:
        self._synchronise = synchronise
        self._results: dict[Hashable, Any] = {}
        self._seconds: dict[Hashable, float] = {}
        self._uses: dict[Hashable, set[Hashable]] = {}
        self._open: list[tuple[Hashable, set[Hashable], list[float]]] = []

    def once(self, key: Hashable, work: Callable[[], T]) -> T:
        """The result of ``work``, done at the first call with this key."""
        if self._open:
            self._open[-1][1].add(key)
        if key not in self._results:
            uses: set[Hashable] = set()
            elsewhere: list[float] = []
            self._open.append((key, uses, elsewhere))
            start = self._now()
            try:
                result = work()
            finally:
                self._open.pop()
            taken = self._now() - start
            if self._open:
                self._open[-1][2].append(taken)
            self._results[key], self._uses[key] = result, uses
            self._seconds[key] = taken - sum(elsewhere)
        found: T = self._results[key]
        return found

    def forget(self, key: Hashable) -> None:
        """Let go of a result; what it took stays booked."""
        self._results.pop(key, None)

    def seconds(self, key: Hashable) -> float:
        """What a result would have taken alone: its own time and that of all that it stands on."""
        needed: set[Hashable] = set()
        waiting = [key]
        while waiting:
            key = waiting.pop()
            if key not in needed:
                needed.add(key)
                waiting += self._uses[key]
        return sum(self._seconds[one] for one in needed)

    def _now(self) -> float:
        self._synchronise()
        return time.perf_counter()
