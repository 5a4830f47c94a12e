"""Which units are due: a graph of units, worked off in the order of the plan."""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterable
from itertools import count

from peephole.engines.outcome import Failure, Outcome, Watcher
from peephole.store.store import Store
from peephole.units.base import Unit


class Schedule:
    """Units and what is known of them.

    Args:
        units: in an order in which every unit comes after its inputs.
        store: what is in it already is not due.
        watcher: told of what is finished.
    """

    def __init__(self, units: Iterable[Unit], store: Store, watcher: Watcher) -> None:
        self._units = list({unit.digest: unit for unit in units}.values())
        self._watcher = watcher
        self._place = {unit.digest: place for place, unit in enumerate(self._units)}
        self._state: dict[str, Failure | str] = {}
        self._dependents: dict[str, list[Unit]] = {}
        self._groups: dict[Hashable, dict[str, Unit]] = {}
        self._waiting: dict[str, int] = {}
        self._ready: list[tuple[int, int, Unit]] = []
        self._ticket = count()
        for unit in self._units:
            if store.receipt(unit.kind, unit.digest) is not None:
                self._settle(unit, "cached")
                continue
            self._groups.setdefault(_key(unit), {})[unit.digest] = unit
            needed = {one.digest for one in unit.inputs.values() if self._state.get(one.digest) != "cached"}
            self._waiting[unit.digest] = len(needed)
            for digest in needed:
                self._dependents.setdefault(digest, []).append(unit)
            if not needed:
                self._push(unit)

    def take(self) -> list[Unit]:
        """The first group that is due, to be computed together; empty if none is for now."""
        while self._ready:
            unit = heapq.heappop(self._ready)[2]
            group = self._groups[_key(unit)]
            if unit.digest in group:
                ready = [one for one in group.values() if not self._waiting[one.digest]]
                for one in ready:
                    del group[one.digest]
                return ready
        return []

    def computed(self, unit: Unit) -> None:
        """``unit`` is in the store now."""
        self._settle(unit, "computed")
        for dependent in self._dependents.pop(unit.digest, []):
            self._waiting[dependent.digest] -= 1
            if not self._waiting[dependent.digest] and dependent.digest not in self._state:
                self._push(dependent)

    def failed(self, failure: Failure) -> None:
        """A unit could not be computed: all that depend on it are left out."""
        self._settle(failure.unit, failure)
        lost = self._dependents.pop(failure.unit.digest, [])
        while lost:
            unit = lost.pop()
            if unit.digest not in self._state:
                self._groups[_key(unit)].pop(unit.digest, None)
                self._settle(unit, "skipped")
                lost += self._dependents.pop(unit.digest, [])

    def outcome(self) -> Outcome:
        """What became of the units, each kind in the order of the plan."""
        by_state: dict[str, list[Unit]] = {"computed": [], "cached": [], "skipped": []}
        failed = []
        for unit in self._units:
            state = self._state[unit.digest]
            if isinstance(state, Failure):
                failed.append(state)
            else:
                by_state[state].append(unit)
        return Outcome(
            tuple(by_state["computed"]), tuple(by_state["cached"]), tuple(failed), tuple(by_state["skipped"])
        )

    def _push(self, unit: Unit) -> None:
        heapq.heappush(self._ready, (self._place[unit.digest], next(self._ticket), unit))

    def _settle(self, unit: Unit, state: Failure | str) -> None:
        self._state[unit.digest] = state
        self._watcher.finished(unit)


def _key(unit: Unit) -> Hashable:
    """Units with the same key are computed together: they need the same and are of one group."""
    needed = tuple(sorted((role, one.digest) for role, one in unit.inputs.items()))
    return type(unit), unit.group, needed
