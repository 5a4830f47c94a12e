import os
import time

import pytest

from peephole.store.leases import EXPIRY, Leases
from peephole.store.leftovers import sweep
from peephole.store.owner import Owner
from peephole.store.store import Store

MAPS = "770b77cf0c5dde22b1bc8d5a55b99b57"
GONE = Owner("elsewhere", "another machine", 1, 0.0, "x")


@pytest.fixture
def store(results):
    return Store(results / "store")


def left(path, content=b"half", age=2 * EXPIRY):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    aged(path, age)
    return path


def aged(path, age):
    os.utime(path, (time.time() - age,) * 2)


@pytest.fixture
def rubbish(store):
    """All that a killed run leaves."""
    scratch = left(store.root / "tmp" / "scratch-1" / "maps.npy").parent
    aged(scratch, 2 * EXPIRY)
    return {
        scratch,
        left(store.root / "tmp" / ".a.h5.x.tmp"),
        left(store.root / "checkpoints" / f"{MAPS}-clean.pt"),
        left(store.root / "checkpoints" / ".abc-clean.pt.x.tmp"),
        left(store.root / "leases" / ".clock-x"),
    }


@pytest.fixture
def halves(store):
    return {left(store.root / "maps" / "aa.h5"), left(store.root / "scores" / "bb.json")}


def test_leftovers_go_and_shards_and_live_checkpoints_stay(store, rubbish, halves):
    going_on = left(store.root / "checkpoints" / "abc-clean.pt")
    shards = sorted(store.root.rglob(f"{MAPS}.*"))
    assert {path for path, _ in sweep(store).files} == rubbish
    assert not any(path.exists() for path in rubbish)
    assert all(path.exists() for path in halves)
    swept = sweep(store, thorough=True)
    assert {path for path, _ in swept.files} == halves
    assert swept.bytes == 8
    assert not any(path.exists() for path in halves)
    assert going_on.exists()
    assert sorted(store.root.rglob(f"{MAPS}.*")) == shards
    assert sweep(store, thorough=True) == sweep(Store(store.root / "nothing"))


def test_a_dry_sweep_takes_nothing(store, rubbish, halves):
    assert {path for path, _ in sweep(store, thorough=True, dry=True).files} == rubbish | halves
    assert all(path.exists() for path in rubbish | halves)


def test_what_is_young_stays(store):
    young = [left(store.root / "tmp" / "a.tmp", age=EXPIRY / 2), left(store.root / "maps" / "aa.h5", age=0)]
    folder = store.root / "tmp" / "scratch-2"
    inside = left(folder / "maps.npy", age=1)
    aged(folder, 2 * EXPIRY)
    assert sweep(store, thorough=True).files == ()
    assert all(path.exists() for path in [*young, inside])


def test_nothing_goes_while_somebody_alive_is_at_work(store, rubbish, halves):
    lease = Leases(store.root, owner=GONE, heartbeat=None).take("def", "train")
    swept = sweep(store, thorough=True)
    assert (swept.files, swept.busy) == ((), 1)
    assert all(path.exists() for path in rubbish | halves)
    aged(lease.path, 2 * EXPIRY)
    swept = sweep(store, thorough=True)
    assert (swept.busy, swept.leases) == (0, 1)
    assert not any(path.exists() for path in rubbish | halves)
    assert not lease.path.exists()


def test_the_cheap_sweep_lists_no_folder_of_shards(store, rubbish, monkeypatch):
    listed = []
    for name in ("scandir", "listdir"):
        look = getattr(os, name)
        monkeypatch.setattr(os, name, lambda path, look=look: listed.append(str(path)) or look(path))
    sweep(store)
    assert any(path.endswith("tmp") for path in listed)
    assert not any(path.endswith(("maps", "probe_set")) for path in listed)


def test_a_unit_that_is_finished_meanwhile_stays(store, monkeypatch):
    """Its receipt comes between the look and the taking away."""
    shard = left(store.root / "maps" / "aa.h5")
    take = Leases.take

    def finish(self, *arguments):
        shard.with_suffix(".json").write_text("{}")
        return take(self, *arguments)

    monkeypatch.setattr(Leases, "take", finish)
    assert sweep(store, thorough=True).files == ()
    assert shard.exists()
