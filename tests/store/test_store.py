import json

import numpy as np
import pytest

from peephole.store.shard import Shard
from peephole.store.store import DamagedShard, Store

SHARD = Shard({"x": np.arange(6.0).reshape(1, 2, 3)}, {"device": "cpu"})


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "store")
    store.write("maps", "abc", {"kind": "maps"}, SHARD, seconds=1.5)
    return store


def test_a_shard_comes_back_with_its_receipt(store):
    receipt = store.receipt("maps", "abc")
    assert receipt.seconds == 1.5
    assert receipt.bytes == store.path("maps", "abc").stat().st_size
    assert receipt.facts == {"device": "cpu"} == store.facts("maps", "abc")
    np.testing.assert_array_equal(store.read("maps", "abc").arrays["x"], SHARD.arrays["x"])


def test_nothing_else_is_left_in_the_folder(store):
    assert sorted(path.name for path in (store.root / "maps").iterdir()) == ["abc.h5", "abc.json"]


def test_what_is_not_there_is_none(store):
    assert store.receipt("maps", "def") is None
    for look in (store.facts, store.read, store.open):
        with pytest.raises(DamagedShard):
            look("maps", "def")


def test_a_shard_without_receipt_does_not_count(store):
    store.path("maps", "abc").with_suffix(".json").unlink()
    assert store.receipt("maps", "abc") is None


def test_every_flipped_bit_is_found(store):
    path = store.path("maps", "abc")
    whole = path.read_bytes()
    for place in range(0, len(whole), max(1, len(whole) // 40)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 16]) + whole[place + 1 :])
        with pytest.raises(DamagedShard, match="receipt"):
            store.read("maps", "abc")


def test_a_truncated_shard_counts_as_missing(store):
    path = store.path("maps", "abc")
    path.write_bytes(path.read_bytes()[:-1])
    assert store.receipt("maps", "abc") is None


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps({"kind": "maps"})])
def test_a_garbled_receipt_counts_as_none(store, text):
    store.path("maps", "abc").with_suffix(".json").write_text(text)
    assert store.receipt("maps", "abc") is None


def test_a_discarded_shard_is_gone_and_may_be_written_again(store):
    store.discard("maps", "abc")
    store.discard("maps", "abc")
    assert store.receipt("maps", "abc") is None
    store.write("maps", "abc", {}, SHARD, seconds=1)
    assert store.receipt("maps", "abc") is not None


def test_a_failed_write_leaves_the_old_shard_and_no_rubbish(store):
    class Unreadable:
        def __array__(self, dtype=None, copy=None):
            raise RuntimeError("no such numbers")

    before = store.path("maps", "abc").read_bytes()
    with pytest.raises(RuntimeError, match="no such numbers"):
        store.write("maps", "abc", {}, Shard({"x": Unreadable()}), seconds=1)
    assert store.path("maps", "abc").read_bytes() == before
    assert len(list((store.root / "maps").iterdir())) == 2
