import json
from collections import Counter

import pytest
from sums import begun, one

from peephole.engines.failures import Failures
from peephole.engines.outcome import Failure
from peephole.engines.schedule import Schedule
from peephole.engines.unaided import work_off
from peephole.errors import PeepholeError
from peephole.machine import Machine
from peephole.runner import Silent
from peephole.store.leases import Leases
from peephole.store.owner import Owner
from peephole.store.store import StorageError, Store
from peephole.workspace import Workspace


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def failures(store):
    found = Failures(store, "run")
    found.begin()
    return found


def failure(unit, error):
    try:
        raise error
    except type(error) as raised:
        return Failure.of(unit, raised)


def worker(store, units, failures):
    """The outcome of a worker in this process, as far as it knows."""
    schedule = Schedule(units, store, Silent())
    work_off(schedule, Workspace(store, Machine("cpu")), Silent(), failures)
    return schedule


def test_a_failure_is_read_as_it_was_written(store, failures, tmp_path):
    a, b, c = one("a", 1), one("b", 2), one("c", 3)
    there = Failures(store, "run", tmp_path / "7_log.out")
    there.note(failure(a, PeepholeError("bad data\nwith a second line")))
    there.note(failure(b, ZeroDivisionError("by zero")))
    first, second = failures.among([c, b, a])
    assert (second.unit, second.reason, type(second.error)) == (a, "bad data", PeepholeError)
    assert (first.unit, first.reason) == (b, "by zero")
    assert "ZeroDivisionError: by zero" in first.trace
    assert str(tmp_path / "7_log.out") in first.trace
    assert failures.among([c]) == []
    assert set(json.loads((failures.folder / f"{a.digest}.json").read_text())) == {
        *("kind", "reason", "trace", "host", "log")
    }


def test_after_the_end_nothing_is_told(store, failures):
    a = one("a", 1)
    failures.note(failure(a, ValueError("wrong")))
    assert not failures.is_over
    failures.end()
    assert failures.is_over
    failures.note(failure(a, ValueError("late")))
    assert failures.among([a]) == []
    assert not failures.folder.exists()
    assert Failures(store, "another run").among([a]) == []


def test_a_disk_that_takes_nothing_is_told_as_such(store):
    store.root.write_text("a file where a folder should be")
    with pytest.raises(StorageError, match="cannot write to"):
        Failures(store, "run").begin()


def test_what_failed_in_one_worker_is_not_tried_by_another(store, failures, tmp_path):
    (tmp_path / "diary").mkdir()
    broken = one("broken", None, diary=str(tmp_path / "diary"))
    units = [broken, one("needs it", 1, {"a": broken}), one("good", 2, diary=str(tmp_path / "diary"))]
    for _ in range(2):
        outcome = worker(store, units, failures).outcome()
        assert [each.reason for each in outcome.failed] == ["no number"]
        assert outcome.skipped == (units[1],)
    assert begun(tmp_path / "diary") == {"broken": 1, "good": 1}


def test_without_notes_it_is_tried_again(store, tmp_path):
    (tmp_path / "diary").mkdir()
    for _ in range(2):
        worker(store, [one("broken", None, diary=str(tmp_path / "diary"))], None)
    assert begun(tmp_path / "diary") == {"broken": 2}


def test_a_worker_ends_when_nobody_waits_any_more(store, failures):
    units = [one("a", 1), one("b", 2)]
    failures.end()
    assert list(worker(store, units, failures).open.values()) == units


def test_what_several_died_of_is_not_tried_but_the_next_run_tries_it(store, failures):
    a = one("a", 1)
    for number in range(3):
        died = Leases(store.root, owner=Owner("host", "machine", number, 0.0, "token"), heartbeat=None, expiry=-1)
        assert died.take(a.digest).deaths == number
    patient = Leases(store.root, heartbeat=None, expiry=-1)
    store.leases = patient
    outcome = worker(store, [a], failures).outcome()
    assert Counter(each.reason for each in outcome.failed) == {"its process died, 3 times; is there enough memory?": 1}
    failures.end()
    again = Failures(store, "next")
    again.begin()
    assert worker(store, [a], again).outcome().computed == (a,)
