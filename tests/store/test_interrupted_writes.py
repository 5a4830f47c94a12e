"""Ctrl-C and SIGTERM while a shard is written: HDF5 calls us back, and would swallow what is raised then."""

import os
import signal

import numpy as np
import pytest

from peephole.store.shard import Shard, write_shard
from peephole.store.store import Store

ARRAYS = {f"maps/{name}": np.random.default_rng(0).random((40, 64, 64), dtype=np.float32) for name in "abc"}


class Ended(BaseException):
    """What a handler raises."""


@pytest.fixture
def raising():
    def handle(number, frame):
        raise Ended

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def interrupt(monkeypatch, places, number):
    """A signal at each of these calls of pwrite; how many calls there have been."""
    calls = []
    real = os.pwrite

    def pwrite(*arguments):
        calls.append(number)
        if len(calls) in places:
            signal.raise_signal(number)
        return real(*arguments)

    monkeypatch.setattr(os, "pwrite", pwrite)
    return calls


def test_a_signal_at_any_write_ends_the_work_and_no_wrong_number_is_stored(tmp_path, monkeypatch, raising):
    with monkeypatch.context() as patch:
        calls = interrupt(patch, (), signal.SIGTERM)
        write_shard(tmp_path / "all.h5", Shard(ARRAYS))
    assert len(calls) > 10
    for place in range(1, len(calls) + 1):
        store = Store(tmp_path / f"store{place}")
        number = signal.SIGINT if place % 2 else signal.SIGTERM
        with monkeypatch.context() as patch:
            interrupt(patch, (place,), number)
            with pytest.raises((Ended, KeyboardInterrupt)):
                store.write("maps", "abc", {}, Shard(ARRAYS), 0.0)
        assert store.receipt("maps", "abc") is None
        store.write("maps", "abc", {}, Shard(ARRAYS), 0.0)
        for name, array in store.read("maps", "abc").arrays.items():
            np.testing.assert_array_equal(array, ARRAYS[name])


def test_a_second_signal_does_not_get_through_hdf5_either(tmp_path, monkeypatch, raising):
    store = Store(tmp_path)
    interrupt(monkeypatch, (5, 7), signal.SIGTERM)
    with pytest.raises((Ended, KeyboardInterrupt)):
        store.write("maps", "abc", {}, Shard(ARRAYS), 0.0)
    assert store.receipt("maps", "abc") is None
    assert list((tmp_path / "tmp").iterdir()) == []


def test_who_is_late_leaves_what_is_there(tmp_path, monkeypatch):
    from peephole.store import store as module

    store, real = Store(tmp_path), module.write_shard
    first = store.write("maps", "abc", {}, Shard(ARRAYS, {"ms_per_image": 1.0}), 0.0)
    assert store.write("maps", "abc", {}, Shard(ARRAYS, {"ms_per_image": 2.0}), 0.0) == first
    store.discard("maps", "abc")

    def overtaken(path, shard):
        real(path, shard)
        if shard.facts["ms_per_image"] == 4.0:
            Store(tmp_path).write("maps", "abc", {}, Shard(ARRAYS, {"ms_per_image": 3.0}), 0.0)

    monkeypatch.setattr(module, "write_shard", overtaken)
    kept = store.write("maps", "abc", {}, Shard(ARRAYS, {"ms_per_image": 4.0}), 0.0)
    assert kept.facts["ms_per_image"] == 3.0
    assert store.read("maps", "abc").facts["ms_per_image"] == 3.0
