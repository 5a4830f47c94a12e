import pytest
from sums import one

from peephole.engines.outcome import Failure
from peephole.engines.schedule import Schedule
from peephole.runner import Silent
from peephole.store.leases import Leases
from peephole.store.owner import Owner
from peephole.store.shard import Shard
from peephole.store.store import StorageError, Store


class Pairs(type(one("a", 1))):
    """Two at a time."""

    kind = "pairs"

    @property
    def group(self):
        return self.spec["number"] // 2


class Told(Silent):
    def __init__(self):
        self.results = {}

    def finished(self, unit, result):
        assert unit.label not in self.results
        self.results[unit.label] = "failed" if isinstance(result, Failure) else result


def pair(number, **inputs):
    return Pairs({"number": number}, inputs, label=str(number))


def computed(schedule, group):
    schedule.settle(group, {unit.digest: "computed" for unit in group})


def write(store, unit):
    store.write(unit.kind, unit.digest, unit.identity, Shard({}), 0.0)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def other(tmp_path):
    """Leases of somebody on another machine."""
    return Leases(tmp_path, owner=Owner("elsewhere", "another", 1, 0.0, "token"), heartbeat=None)


def test_units_of_one_group_that_are_due_are_taken_together(store, told):
    base = one("base", 1)
    units = [pair(0), base, pair(1, base=base), pair(2), pair(3)]
    schedule = Schedule(units, store, told)
    assert schedule.take() == [units[0]]  # the other of its pair needs something else: it is of another group
    assert schedule.take() == [base]
    assert schedule.take() == units[3:]
    assert schedule.take() == []
    computed(schedule, [base])
    assert schedule.take() == [units[2]]
    for group in ([units[0]], [units[2]], units[3:]):
        computed(schedule, group)
    assert schedule.outcome().computed == tuple(units)
    assert not schedule.open


def test_what_is_in_the_store_is_not_due(store, told):
    a, b = one("a", 1), one("b", 2)
    write(store, a)
    schedule = Schedule([a, b, a], store, told)
    assert schedule.units == (a, b)
    assert list(schedule.open.values()) == [b]
    assert told.results == {"a": "cached"}
    assert schedule.take() == [b]


def test_what_is_given_back_is_due_again_and_first(store, told):
    units = [pair(number) for number in range(6)]
    schedule = Schedule(units, store, told)
    first, second = schedule.take(), schedule.take()
    schedule.give_back(first)
    assert schedule.take() == first
    schedule.give_back([*second, first[0]])
    assert [schedule.take(), schedule.take(), schedule.take()] == [first[:1], second, units[4:]]


def test_a_failure_is_passed_on_to_all_that_need_it(store, told):
    a, b = one("a", 1), one("b", 2)
    c = one("c", 3, {"a": a, "b": b})
    d = one("d", 4, {"c": c})
    schedule = Schedule([a, b, c, d], store, told)
    schedule.settle(schedule.take(), {a.digest: Failure.of(a, ValueError("wrong"))})
    assert told.results == {"a": "failed", "c": "skipped", "d": "skipped"}
    computed(schedule, schedule.take())
    assert schedule.take() == []
    outcome = schedule.outcome()
    assert (outcome.computed, outcome.skipped) == ((b,), (c, d))
    assert [failure.reason for failure in outcome.failed] == ["wrong"]


def test_a_disk_that_takes_nothing_ends_it_after_what_else_is_known(store, told):
    units = [pair(0), pair(1)]
    schedule = Schedule(units, store, told)
    with pytest.raises(StorageError, match="full"):
        schedule.settle(
            schedule.take(), {units[0].digest: Failure.of(units[0], StorageError("full")), units[1].digest: "computed"}
        )
    assert told.results == {"0": "failed", "1": "computed"}


def test_what_is_elsewhere_is_waited_for_until_it_is_there_or_given_up(store, told, other):
    a, b = one("a", 1), one("b", 2)
    c = one("c", 3, {"a": a})
    schedule = Schedule([a, b, c], store, told)
    held = {unit.label: other.take(unit.digest) for unit in (a, b)}
    for _ in range(2):
        group = schedule.take()
        schedule.settle(group, {group[0].digest: "elsewhere"})
    assert schedule.waits
    schedule.look_again()
    assert schedule.take() == []
    write(store, a)
    held["b"].release()
    schedule.look_again()
    assert told.results == {"a": "cached"}
    assert [schedule.take(), schedule.take()] == [[b], [c]]
    assert not schedule.waits


def test_looking_again_costs_the_same_however_much_is_elsewhere(store, told, monkeypatch):
    units = [one(str(number), number) for number in range(300)]
    schedule = Schedule(units, store, told)
    while group := schedule.take():
        schedule.settle(group, {group[0].digest: "elsewhere"})
    for unit in units[:2]:
        write(store, unit)
    monkeypatch.setattr(Store, "receipt", None)
    monkeypatch.setattr(Leases, "is_free", None)
    looks = []
    monkeypatch.setattr(Store, "digests", lambda self, kind, look=Store.digests: looks.append(kind) or look(self, kind))
    schedule.look_again()
    assert looks == ["sum"]
    assert set(told.results) == {"0", "1"}
    assert schedule.take() == [units[2]]


def test_what_others_have_made_is_collected_in_whatever_state_it_is_here(store, told):
    a, b = one("a", 1), one("b", 2)
    c = one("c", 3, {"b": b})
    d = one("d", 4, {"c": c})
    schedule = Schedule([a, b, c, d], store, told)
    schedule.settle(schedule.take(), {a.digest: "elsewhere"})
    for unit in (a, b, c):
        write(store, unit)
    schedule.collect("computed")
    assert told.results == {"a": "computed", "b": "computed", "c": "computed"}
    assert not schedule.waits
    assert schedule.take() == [d]
    assert schedule.take() == []
