import json

import h5py
import numpy as np
import pytest

from peephole.store.checking import check_store, repair, shard_fault
from peephole.store.leases import Leases
from peephole.store.owner import Owner
from peephole.store.shard import Shard
from peephole.store.store import Store, file_digest

MAPS = ("maps", "770b77cf0c5dde22b1bc8d5a55b99b57")
PROBES = ("probe_set", "493caa0983aeb765bd036c78298c4d13")


@pytest.fixture
def store(results):
    return Store(results / "store")


def only(store):
    (fault,) = check_store(store)
    return fault


def flip(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 1 << (place % 8)
    path.write_bytes(content)


def test_a_sound_store_has_no_faults_and_all_of_it_is_read(store):
    told = []
    assert check_store(store, lambda done, of: told.append((done, of))) == []
    every = sum(path.stat().st_size for path in store.root.rglob("*.h5"))
    assert told[-1] == (every, every)


@pytest.mark.parametrize("kind", ["maps", "probe_set"])
def test_a_bit_flipped_anywhere_is_named(store, kind):
    path = sorted((store.root / kind).glob("*.h5"))[0]
    whole = path.read_bytes()
    for place in np.linspace(0, len(whole) - 1, 60).astype(int):
        flip(path, place)
        fault = shard_fault(store, kind, path.stem)
        assert str(fault).startswith(f"store/{kind}/{path.name} does not match its receipt; ")
        path.write_bytes(whole)
    assert shard_fault(store, kind, path.stem, arrays=True) is None


def test_a_flipped_bit_in_a_receipt_is_named_or_changes_nothing_that_is_used(store):
    path = store.path(*MAPS).with_suffix(".json")
    whole, told = path.read_bytes(), store.receipt(*MAPS)
    for place in range(0, len(whole), 7):
        flip(path, place)
        fault = shard_fault(store, *MAPS)
        if fault is None:
            now = store.receipt(*MAPS)
            assert (now.spec, now.facts, now.sha256, now.bytes) == (told.spec, told.facts, told.sha256, told.bytes)
        path.write_bytes(whole)


def test_a_truncated_shard_is_named_with_both_lengths(store):
    path = store.path(*MAPS)
    path.write_bytes(path.read_bytes()[:-9])
    assert f"is {path.stat().st_size} bytes long, its receipt says {path.stat().st_size + 9}" in str(only(store))


def test_a_missing_shard_is_named_and_so_is_what_was_made_of_it(store):
    store.path(*PROBES).unlink()
    assert "is missing, its receipt is there; the next run makes it again" in str(only(store))
    store.discard(*PROBES)
    faults = check_store(store)
    assert len(faults) == 2
    assert all("was made of what is not there: probes 493caa09" in str(fault) for fault in faults)


def test_a_garbled_receipt_is_named(store):
    store.path(*MAPS).with_suffix(".json").write_text("{")
    assert "receipt that cannot be read" in str(only(store))


def test_the_receipt_of_another_unit_is_named(store):
    path = store.path(*MAPS).with_suffix(".json")
    content = json.loads(path.read_text())
    content["spec"]["spec"]["method"] = "grad_cam"
    path.write_text(json.dumps(content))
    assert "receipt of another unit" in str(only(store))


def test_a_shard_that_was_written_damaged_is_found_by_its_own_checksums(store):
    """Its receipt matches: the bytes were wrong before they were counted."""
    path = store.path(*MAPS)
    content = json.loads(path.with_suffix(".json").read_text())
    with h5py.File(path) as file:
        chunk = file["maps/input"].id.get_chunk_info(0)
    flip(path, chunk.byte_offset + chunk.size // 2)
    path.with_suffix(".json").write_text(json.dumps({**content, "sha256": file_digest(path)}))
    assert shard_fault(store, *MAPS) is None
    assert "cannot be read" in str(only(store))


def test_a_shard_without_receipt_is_none(store):
    store.path(*MAPS).with_suffix(".json").unlink()
    assert check_store(store) == []


def test_repair_discards_what_is_damaged_and_nothing_else(store):
    flip(store.path(*MAPS), 5000)
    fault = only(store)
    assert repair(store, [fault]) == [fault]
    assert not store.path(*MAPS).exists()
    assert check_store(store) == []
    assert not list(store.leases.folder.glob("??/*"))
    store.write(*MAPS, {}, Shard({"x": np.zeros(1)}), 0.0)


def test_repair_leaves_alone_what_somebody_makes_again_and_what_is_sound_by_now(store):
    path = store.path(*MAPS)
    whole = path.read_bytes()
    flip(path, 5000)
    fault = only(store)
    other = Leases(store.root, owner=Owner("elsewhere", "another machine", 1, 0.0, "x"), heartbeat=None)
    lease = other.take(MAPS[1])
    assert repair(store, [fault]) == []
    lease.release()
    path.write_bytes(whole)
    assert repair(store, [fault]) == []
    assert path.read_bytes() == whole
