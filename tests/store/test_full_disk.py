"""A full disk: one line, nothing half-written, and it goes on after room was made."""

import errno
import os
import subprocess
import sys

import numpy as np
import pytest

from peephole.attacks.checkpoint import Checkpoint
from peephole.engines.run import run_units
from peephole.errors import PeepholeError
from peephole.machine import Machine
from peephole.runner import Silent
from peephole.store.export import export
from peephole.store.shard import Shard, write_shard
from peephole.store.store import StorageError, Store
from peephole.workspace import Workspace

PAGE = 4096
NOISE = np.random.default_rng(0).random((12, 1, 1, 32, 32), dtype=np.float32)
SHARD = Shard({"maps/input": NOISE, "small": np.arange(9)}, {"device": "cpu"})


def fill(disk, leave):
    """Fill a disk but for so many pages; the file that fills it."""
    filler = disk / "filler"
    free = os.statvfs(disk).f_bavail
    filler.write_bytes(bytes(max(0, free - leave) * PAGE))
    return filler


def files(folder):
    return {path for path in folder.rglob("*") if path.is_file()}


def caught(work):
    """What the disk is said to lack."""
    try:
        work()
    except StorageError as error:
        return str(error)
    return ""


def test_a_shard_and_its_receipt_are_written_or_do_not_count_however_little_room_there_is(small_disk):
    store = Store(small_disk / "store")
    written = 0
    for leave in range(40):
        filler = fill(small_disk, leave)
        error = caught(lambda: store.write("maps", "a", {}, SHARD, 0.0))
        if error:
            assert "no space left" in error
            assert "\n" not in error
            assert store.receipt("maps", "a") is None
            assert files(store.root) <= {store.path("maps", "a")}
        else:
            assert store.read("maps", "a").arrays["maps/input"].tobytes() == NOISE.tobytes()
            store.discard("maps", "a")
            written += 1
        filler.unlink()
    assert 0 < written < 40
    store.write("maps", "a", {}, SHARD, 0.0)
    assert store.receipt("maps", "a") is not None


def test_hdf5_survives_a_full_disk_to_the_end_of_the_process(small_disk):
    """Left to itself it writes once more when the process ends, and takes it down with a segmentation fault."""
    fill(small_disk, 3)
    code = (
        "import numpy as np, pathlib\n"
        "from peephole.store.shard import Shard, write_shard\n"
        "noise = np.random.default_rng(0).random((99, 1, 1, 32, 32), dtype=np.float32)\n"
        "for number in range(3):\n"
        "    try:\n"
        f"        path = pathlib.Path({str(small_disk)!r}) / f'{{number}}.h5'\n"
        "        write_shard(path, Shard({'a': noise, 'b': noise}))\n"
        "    except OSError as error:\n"
        "        print(error.errno)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == [str(errno.ENOSPC)] * 3


def test_an_error_of_the_disk_is_raised_as_it_is(small_disk):
    fill(small_disk, 2)
    with pytest.raises(OSError, match="No space left") as error:
        write_shard(small_disk / "a.h5", SHARD)
    assert error.value.errno == errno.ENOSPC


def test_maps_that_wait_take_their_room_at_once(small_disk):
    store = Store(small_disk / "store")
    with store.scratch() as folder:
        fill(small_disk, 20)
        with pytest.raises(StorageError, match="no space left"):
            store.waiting(folder / "a.npy", (100, 1, 1, 32, 32))
        store.waiting(folder / "b.npy", (10, 1, 1, 32, 32))[:] = 1
    assert not files(store.root)


def test_a_checkpoint_stays_what_it_was(small_disk):
    import torch

    checkpoint = Checkpoint(small_disk / "a.pt")
    checkpoint.save({"step": torch.zeros(1000)})
    filler = fill(small_disk, 1)
    with pytest.raises(OSError, match="No space left"):
        checkpoint.save({"step": torch.ones(100_000)})
    assert checkpoint.load()["step"].sum() == 0
    assert files(small_disk) == {checkpoint.path, filler}


def test_a_lease_that_cannot_be_written_is_none(small_disk):
    store = Store(small_disk / "store")
    store.leases.take("ab").release()
    filler = fill(small_disk, 0)
    with pytest.raises(OSError, match="No space left"):
        store.leases.take("ab", "train")
    filler.unlink()
    lease = store.leases.take("ab", "train")
    assert lease is not None
    lease.release()


def test_units_stop_with_one_line_and_go_on_after_room_was_made(small_disk, total):
    store = Store(small_disk / "store")
    first = total("first", 1)
    run_units([first], Workspace(store, Machine("cpu")), Silent())
    stopped = 0
    for leave in range(10):
        units = [first, total("next", leave, length=200_000, first=first)]
        filler = fill(small_disk, leave)
        error = caught(lambda units=units: run_units(units, Workspace(store, Machine("cpu")), Silent()))
        if error:
            assert "no space left" in error
            assert store.receipt("total", units[1].digest) is None
            stopped += 1
        assert store.receipt("total", first.digest) is not None
        filler.unlink()
        outcome = run_units(units, Workspace(store, Machine("cpu")), Silent())
        assert not outcome.failed
        assert store.read("total", units[1].digest).arrays["x"][0] == leave + 1
    assert stopped > 1


def test_an_export_is_not_half_written(results, small_disk):
    for leave in (0, 1, 4, 9, 12):
        filler = fill(small_disk, leave)
        with pytest.raises(PeepholeError, match=r"cannot write .*e\.h5 \(No space left on device\); make room"):
            export(results, small_disk / "e.h5")
        assert files(small_disk) == {filler}
        filler.unlink()
    export(results, small_disk / "e.h5")
