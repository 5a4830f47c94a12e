"""What became of one group of units, as it travels from the process that was given it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from peephole.engines.outcome import Failure
from peephole.errors import PeepholeError
from peephole.store.store import StorageError
from peephole.units.base import Unit

State = Literal["computed", "found", "elsewhere"]
"""Computed here; found in the store, since others computed it meanwhile; being computed by others now."""
Done = dict[str, Failure | State]
"""By digest."""

_KINDS: dict[str, type[Exception]] = {"storage": StorageError, "user": PeepholeError, "other": RuntimeError}


@dataclass(frozen=True)
class Written:
    """A failure as text: not every exception can travel."""

    kind: str
    reason: str
    trace: str

    def read(self, unit: Unit) -> Failure:
        """The failure of ``unit``."""
        return Failure(unit, _KINDS[self.kind](self.reason), self.trace)


Report = dict[str, Written | State]


def write_report(done: Done) -> Report:
    """To send."""
    return {digest: written(one) if isinstance(one, Failure) else one for digest, one in done.items()}


def read_report(units: Iterable[Unit], report: Report) -> Done:
    """What was sent, about these units."""
    found: Done = {}
    for unit in units:
        one = report[unit.digest]
        found[unit.digest] = one.read(unit) if isinstance(one, Written) else one
    return found


def written(failure: Failure) -> Written:
    """A failure to send."""
    kind = next(kind for kind, known in _KINDS.items() if isinstance(failure.error, known) or known is RuntimeError)
    return Written(kind, str(failure.error) or type(failure.error).__name__, failure.trace)
