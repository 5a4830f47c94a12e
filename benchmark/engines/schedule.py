"""Which units are due: a graph of units, worked off in the order of the plan."""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import count
from types import MappingProxyType

from peephole.engines.outcome import Failure, Outcome, Watcher
from peephole.engines.report import Done
from peephole.store.store import StorageError, Store
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
        self._store = store
        self._watcher = watcher
        self._place = {unit.digest: place for place, unit in enumerate(self._units)}
        self._state: dict[str, Failure | str] = {}
        self._dependents: dict[str, list[Unit]] = {}
        self._groups: dict[Hashable, dict[str, Unit]] = {}
        self._waiting: dict[str, int] = {}
        self._ready: list[tuple[int, int, Unit]] = []
        self._elsewhere: dict[str, Unit] = {}
        self._open: dict[str, Unit] = {}
        self._ticket = count()
        there = self._there(self._units)
        for unit in self._units:
            if unit.digest in there[unit.kind]:
                self._settle(unit, "cached")
                continue
            self._open[unit.digest] = unit
            self._groups.setdefault(_key(unit), {})[unit.digest] = unit
            needed = {one.digest for one in unit.inputs.values() if self._state.get(one.digest) != "cached"}
            self._waiting[unit.digest] = len(needed)
            for digest in needed:
                self._dependents.setdefault(digest, []).append(unit)
            if not needed:
                self._push(unit)

    @property
    def units(self) -> Sequence[Unit]:
        """All units, each once, every one after its inputs."""
        return tuple(self._units)

    @property
    def open(self) -> Mapping[str, Unit]:
        """By digest the units of which nothing is known yet, those among them that were taken; in order."""
        return MappingProxyType(self._open)

    @property
    def waits(self) -> bool:
        """Whether others are computing what is left or what it needs: `look_again` now and then."""
        return bool(self._elsewhere)

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

    def settle(self, group: Sequence[Unit], done: Done) -> None:
        """What became of a group that was taken.

        Raises:
            StorageError: the disk did not take a result; there is no sense in going on.
        """
        for unit in group:
            result = done[unit.digest]
            if isinstance(result, Failure):
                self.failed(result)
            elif result == "elsewhere":
                self._elsewhere[unit.digest] = unit
            else:
                self.available(unit, "computed" if result == "computed" else "cached")
        for result in done.values():
            if isinstance(result, Failure) and isinstance(result.error, StorageError):
                raise result.error

    def look_again(self) -> None:
        """Has anybody finished, or given up, what was being computed elsewhere?

        However much that is, it takes a look at the leases of those at work and one at a folder for each kind.
        """
        if not self._elsewhere:
            return
        held = {one.key for one in self._store.leases.alive()}  # first: a lease goes after its shard has come
        there = self._there(self._elsewhere.values())
        for digest, unit in list(self._elsewhere.items()):
            if digest in there[unit.kind]:
                self.available(unit, "cached")
            elif digest not in held:
                self.give_back([unit])

    def collect(self, state: str = "cached") -> None:
        """Take up what is in the store by now, whoever made it, as ``state``; not to be called while units are in hand.

        It takes a look at a folder for each kind of which something is open.
        """
        there = self._there(self._open.values())
        for unit in [unit for unit in self._open.values() if unit.digest in there[unit.kind]]:
            self.available(unit, state)

    def give_back(self, group: Iterable[Unit]) -> None:
        """Units that were taken are due again."""
        for unit in group:
            self._elsewhere.pop(unit.digest, None)
            self._groups[_key(unit)][unit.digest] = unit
            self._push(unit)

    def available(self, unit: Unit, state: str) -> None:
        """``unit`` is in the store now."""
        self._settle(unit, state)
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
        if self._open.pop(unit.digest, None) is not None:
            self._elsewhere.pop(unit.digest, None)
            self._groups[_key(unit)].pop(unit.digest, None)
        self._watcher.finished(unit, state)

    def _there(self, units: Iterable[Unit]) -> dict[str, set[str]]:
        return {kind: self._store.digests(kind) for kind in {unit.kind for unit in units}}


def _key(unit: Unit) -> Hashable:
    """Units with the same key are computed together: they need the same and are of one group."""
    needed = tuple(sorted((role, one.digest) for role, one in unit.inputs.items()))
    return type(unit), unit.group, needed
