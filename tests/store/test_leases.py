"""Leases as processes, threads, disks and clocks treat them; the order of steps is `test_lease_protocol`'s."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from peephole.engines.work import compute
from peephole.machine import Machine
from peephole.store import lease as lease_module
from peephole.store.clock import FileClock
from peephole.store.lease import read_lease
from peephole.store.leases import EXPIRY, Leases, released
from peephole.store.owner import Owner, this_process
from peephole.store.store import StorageError, Store
from peephole.workspace import Workspace

KEY = "ab12"
FAR = Owner("far", "another machine", 1, 0.0, "far")

HOLD = """
import sys, time
from pathlib import Path
from peephole.store.leases import Leases
leases = Leases(Path(sys.argv[1]))
taken = [key for key in sys.argv[2:] if leases.take(key)]
print(*taken, flush=True)
sys.stdin.read()
"""


class Time:
    """A file system's clock that we set."""

    def __init__(self):
        self.time = 1000.0

    def now(self):
        return self.time

    def changed(self, path):
        return path.stat().st_mtime


@pytest.fixture
def clock():
    return Time()


def far(root, clock, name="far", **options):
    return Leases(root, clock=clock, owner=replace(FAR, token=name), heartbeat=None, **options)


def taken(leases, clock, key=KEY):
    """A lease, its file as old as the clock says."""
    lease = leases.take(key)
    if lease:
        os.utime(lease.path, (clock.time, clock.time))
    return lease


def holder(root, *keys):
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(root), *keys], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def files(root):
    return sorted(path.name for path in (root / "leases").glob("??/*"))


def test_one_of_many_threads_has_a_key(tmp_path):
    leases = [Leases(tmp_path) for _ in range(8)]
    keys = [f"{number:02x}" for number in range(20)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda own: [key for key in keys if own.take(key)], leases))
    assert sorted(key for each in found for key in each) == keys


def test_one_of_many_processes_has_a_key_and_kill_9_frees_it_at_once(tmp_path):
    keys = [f"{number:02x}" for number in range(60)]
    processes = [holder(tmp_path, *keys) for _ in range(3)]
    found = [key for process in processes for key in process.stdout.readline().split()]
    assert sorted(found) == keys
    mine = Leases(tmp_path)
    assert not any(mine.is_free(key) for key in keys)
    for process in processes:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert all(mine.is_free(key) for key in keys)
    assert mine.alive() == []
    with released([mine.take(key) for key in keys[:30]]):
        assert len(mine.alive()) == 30
    assert mine.sweep() == 30
    assert files(tmp_path) == []


def test_a_killed_process_that_nobody_waited_for_is_gone(tmp_path):
    process = holder(tmp_path, KEY)
    process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    end = time.monotonic() + 20
    while not Leases(tmp_path).is_free(KEY):
        assert time.monotonic() < end
    process.communicate()


def test_release_frees_and_leaves_nothing(tmp_path):
    leases, others = Leases(tmp_path), Leases(tmp_path)
    lease = leases.take(KEY, "label", "cpu")
    assert others.take(KEY) is None
    assert leases.take(KEY) is None
    assert read_lease(lease.path).work.label == "label"
    lease.release()
    assert files(tmp_path) == []
    assert others.take(KEY)


def test_who_is_elsewhere_and_silent_is_succeeded_after_the_expiry(tmp_path, clock):
    assert taken(far(tmp_path, clock), clock)
    other = far(tmp_path, clock, "other")
    clock.time += EXPIRY - 1
    assert other.take(KEY) is None
    clock.time += 1
    lease = taken(other, clock)
    assert files(tmp_path) == [f"{KEY}.0", f"{KEY}.1"]
    lease.release()
    assert files(tmp_path) == []


def test_one_of_many_successors_wins(tmp_path, clock):
    assert taken(far(tmp_path, clock), clock)
    clock.time = time.time() + EXPIRY / 2
    many = [far(tmp_path, clock, str(number)) for number in range(16)]
    with ThreadPoolExecutor(16) as pool:
        assert sum(lease is not None for lease in pool.map(lambda leases: leases.take(KEY), many)) == 1


@pytest.mark.parametrize("left", [(), (0,), (1,), (0, 1), (0, 3), (5,)])
def test_whatever_a_crash_in_a_release_leaves_one_has_it_next(tmp_path, clock, left):
    for generation in left:
        path = tmp_path / "leases" / KEY[:2] / f"{KEY}.{generation}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
        os.utime(path, (clock.time, clock.time))
    clock.time += EXPIRY
    one, two = far(tmp_path, clock, "one"), far(tmp_path, clock, "two")
    lease = taken(one, clock)
    assert lease
    assert taken(two, clock) is None
    lease.release()
    assert files(tmp_path) == []


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"null", b'{"owner": {}, "work": {}}'])
def test_a_lease_that_says_nothing_counts_by_its_age(tmp_path, clock, content):
    lease = taken(far(tmp_path, clock), clock)
    lease.path.write_bytes(content)
    os.utime(lease.path, (clock.time, clock.time))
    other = far(tmp_path, clock, "other")
    assert not other.is_free(KEY)
    assert other.alive() == []
    lease.beat()  # not what its owner wrote: left alone
    assert lease.path.read_bytes() == content
    clock.time += EXPIRY
    assert taken(other, clock)


def test_a_foreign_file_is_no_lease(tmp_path):
    (tmp_path / "leases" / "ab").mkdir(parents=True)
    for name in ("ab12.txt", "ab12", ".ab12.0", "ab123.0"):
        (tmp_path / "leases" / "ab" / name).touch()
    assert Leases(tmp_path).take(KEY)


def test_the_heart_keeps_a_lease_alive_and_stops_with_it(tmp_path):
    owner = replace(FAR, token="beats")
    leases = Leases(tmp_path, expiry=0.6, heartbeat=0.05, owner=owner)
    other = Leases(tmp_path, expiry=0.6)
    lease = leases.take(KEY)
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        assert not other.is_free(KEY)
        time.sleep(0.02)
    lease.release()
    assert other.is_free(KEY)
    end = time.monotonic() + 20
    while any(thread is leases._heart for thread in threading.enumerate()):
        assert time.monotonic() < end
        time.sleep(0.01)
    assert leases.take("cd34")  # and a new one beats again
    assert leases._heart.is_alive()


def test_a_successor_is_not_disturbed_by_who_wakes_up(tmp_path, clock):
    slow, next_one, third = (far(tmp_path, clock, name) for name in ("slow", "next", "third"))
    lease = taken(slow, clock)
    clock.time += EXPIRY
    taken(next_one, clock).release()
    kept = taken(third, clock)
    assert kept.path == lease.path
    for do in (lease.beat, lease.release):
        do()
        assert kept.is_mine
        assert read_lease(kept.path).owner.token == "third"


def test_clocks_of_machines_do_not_matter(tmp_path, monkeypatch):
    lease = Leases(tmp_path, owner=FAR).take(KEY)
    for other in (time.time() - 9000, time.time() + 9000):
        monkeypatch.setattr(time, "time", partial(float, other))
        assert not Leases(tmp_path).is_free(KEY)
    past = lease.path.stat().st_mtime - EXPIRY
    os.utime(lease.path, (past, past))
    assert Leases(tmp_path).is_free(KEY)


def test_a_time_that_is_far_ahead_does_not_count_for_ever(tmp_path):
    lease = Leases(tmp_path, owner=FAR).take(KEY)
    ahead = lease.path.stat().st_mtime + 2 * EXPIRY
    os.utime(lease.path, (ahead, ahead))
    assert Leases(tmp_path).is_free(KEY)


def test_the_clock_asks_the_file_system_now_and_then(tmp_path, monkeypatch):
    clock = FileClock(tmp_path / "new")
    before = clock.now()
    assert abs(before - time.time()) < 5
    monkeypatch.setattr(FileClock, "_look", lambda self: 0.0)
    assert clock.now() >= before
    start = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: start + 60)
    assert clock.now() == 0.0
    assert list((tmp_path / "new").iterdir()) == []


def full(descriptor, content):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_leaves_no_lease_and_a_beat_needs_no_room(tmp_path, monkeypatch):
    leases = Leases(tmp_path)
    lease = leases.take(KEY)
    os.utime(lease.path, (0, 0))
    with monkeypatch.context() as patch:
        patch.setattr(lease_module.os, "write", full)
        with pytest.raises(OSError, match="No space"):
            leases.take("cd34")
        lease.beat()
    assert files(tmp_path) == [f"{KEY}.0"]
    assert time.time() - lease.path.stat().st_mtime < 60
    assert read_lease(lease.path).owner == this_process()


def test_a_disk_that_becomes_read_only_is_told_and_hides_nothing(tmp_path, monkeypatch):
    leases, other = Leases(tmp_path), Leases(tmp_path, owner=FAR)
    lease, foreign = leases.take(KEY), other.take("cd34")

    def read_only(path, flags=0, *rest, **options):
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise OSError(errno.EROFS, "Read-only file system", str(path))
        return real(path, flags, *rest, **options)

    real = os.open
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", read_only)
        with pytest.raises(OSError, match="Read-only"):
            leases.take("ef56")
        lease.tell(0.5)
        lease.release()  # expires
        assert {held.key for held in Leases(tmp_path).alive()} >= {"cd34"}
        assert not Leases(tmp_path).is_free("cd34")
    assert foreign.is_mine


def test_a_unit_on_such_a_disk_fails_with_a_line(tmp_path, monkeypatch):
    from sums import one

    unit = one("a", 1)
    monkeypatch.setattr(lease_module.os, "write", full)
    failure = compute([unit], Workspace(Store(tmp_path), Machine("cpu")), lambda share: None)[unit.digest]
    assert isinstance(failure.error, StorageError)
    assert failure.reason.startswith("no space left on the disk")
    assert files(tmp_path) == []


def test_what_is_told_is_seen(tmp_path):
    lease = Leases(tmp_path).take(KEY, "a long label", "cuda:1")
    lease._told -= 2
    lease.tell(0.25)
    (held,) = Leases(tmp_path).alive()
    assert (held.key, held.owner, held.work.share, held.work.device) == (KEY, this_process(), 0.25, "cuda:1")
    assert np.isclose(held.work.began, time.time(), atol=60)
    assert Path(lease.path).suffix == ".0"
