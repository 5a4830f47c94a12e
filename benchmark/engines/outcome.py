"""What became of the units of a run, and who is told while it goes on."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, replace
from typing import Protocol

from peephole.units.base import Unit


class Watcher(Protocol):
    """Told of the work as it goes on."""

    def started(self, unit: Unit) -> None:
        """``unit`` is not in the store and is being computed now."""
        ...

    def progressed(self, unit: Unit, share: float) -> None:
        """``share`` of ``unit`` is done, in [0,1]."""
        ...

    def finished(self, unit: Unit, result: Failure | str) -> None:
        """``unit`` is done: ``"computed"``, ``"cached"`` (found in the store), ``"skipped"``, or how it failed."""
        ...


@dataclass(frozen=True)
class Failure:
    """A unit that could not be computed. ``trace`` is the whole traceback."""

    unit: Unit
    error: Exception
    trace: str

    @classmethod
    def of(cls, unit: Unit, error: Exception) -> Failure:
        """What ``error`` says; without its frames, which would keep the unit's tensors alive."""
        trace = "".join(traceback.format_exception(error))
        return cls(unit, error.with_traceback(None), trace)

    @property
    def reason(self) -> str:
        """The error in one line."""
        return str(self.error).partition("\n")[0] or type(self.error).__name__


@dataclass(frozen=True)
class Outcome:
    """What became of the units: all of them are in exactly one of the four."""

    computed: tuple[Unit, ...]
    cached: tuple[Unit, ...]
    failed: tuple[Failure, ...]
    skipped: tuple[Unit, ...]

    def after(self, earlier: Outcome) -> Outcome:
        """The same, of two passes in a row: what the earlier one computed counts as computed, not as found."""
        computed = {unit.digest for unit in (*earlier.computed, *self.computed)}
        there = (*self.computed, *self.cached)
        return replace(
            self,
            computed=tuple(unit for unit in there if unit.digest in computed),
            cached=tuple(unit for unit in there if unit.digest not in computed),
        )

    @property
    def available(self) -> frozenset[str]:
        """Digests of the units whose results are in the store."""
        return frozenset(unit.digest for unit in (*self.computed, *self.cached))
