"""Shards of strangers: nothing outside of a file is read, nothing hangs, and nothing healthy is thrown away."""

import json
import os
import subprocess
import sys

import h5py
import numpy as np
import pytest

from peephole import hdf5_files as opening
from peephole.hdf5_files import MissingFilter, Unreadable, UnsafeFile, open_hdf5
from peephole.store.checking import check_store, repair
from peephole.store.index import is_export, opened
from peephole.store.shard import ENCODING, read_shard
from peephole.store.store import Store, file_digest

MAPS = ("maps", "770b77cf0c5dde22b1bc8d5a55b99b57")


def receipted(path):
    """Let the receipt match the file."""
    receipt = path.with_suffix(".json")
    content = json.loads(receipt.read_text())
    receipt.write_text(json.dumps({**content, "sha256": file_digest(path), "bytes": path.stat().st_size}))


def external_link(file, secret):
    file["maps/input"] = h5py.ExternalLink(str(secret), "/private")


def soft_link(file, secret):
    file["maps/input"] = h5py.SoftLink("/elsewhere")


def external_storage(file, secret):
    file.create_dataset("maps/input", (4,), "f4", external=[(str(secret), 0, 16)])


def virtual(file, secret):
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource(str(secret), "private", shape=(4,))
    file.create_virtual_dataset("maps/input", layout)


def unwritten(file, secret):
    file.create_dataset("maps/input", (1 << 30,), "f4", chunks=(1 << 20,))


def unwritten_in_one_piece(file, secret):
    file.create_dataset("maps/input", (1 << 20,), "f4")


def endless(file, secret):
    file.create_dataset("maps/input", (1 << 44,), "f8", chunks=(1 << 20,), maxshape=(None,))


def text(file, secret):
    file.create_dataset("maps/input", data=["a", "bc"], dtype=h5py.string_dtype())


def references(file, secret):
    file["maps/other"] = np.zeros(3)
    file.create_dataset("maps/input", data=[file["maps/other"].ref], dtype=h5py.ref_dtype)


def nothing(file, secret):
    pass


STRANGE = (
    *(
        external_link,
        soft_link,
        external_storage,
        virtual,
        unwritten,
        unwritten_in_one_piece,
        endless,
        text,
        references,
    ),
    nothing,
)


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "private.h5"
    with h5py.File(path, "w") as file:
        file["private"] = np.arange(4, dtype="f4")
    return path


def strange(path, secret, make):
    path.unlink()
    with h5py.File(path, "w") as file:
        file.attrs["encoding"], file.attrs["encoding_version"] = ENCODING, 1
        file.attrs["facts"], file.attrs["names"] = "{}", json.dumps(["maps/input"])
        make(file, secret)


@pytest.mark.parametrize("make", STRANGE)
def test_a_strange_shard_is_named_read_by_nobody_and_left_where_it_is(results, secret, make, command):
    store = Store(results / "store")
    path = store.path(*MAPS)
    strange(path, secret, make)
    receipted(path)
    before = path.read_bytes()
    with pytest.raises(UnsafeFile):
        read_shard(path)
    (fault,) = check_store(store)
    assert fault.file == f"store/maps/{MAPS[1]}.h5"
    assert "\n" not in str(fault)
    assert repair(store, [fault]) == []
    assert path.read_bytes() == before
    code, _, err = command("store", "export", results / "export.h5", "--from", results)
    assert code == 2
    assert len(err) == 1
    assert not (results / "export.h5").exists()


def a_pipe(path, other):
    os.mkfifo(path)


def a_device(path, other):
    path.symlink_to("/dev/zero")


def a_link(path, other):
    path.symlink_to(other)


def a_folder(path, other):
    path.mkdir()


@pytest.mark.parametrize("suffix", [".h5", ".json"])
@pytest.mark.parametrize("make", [a_pipe, a_device, a_link, a_folder])
def test_what_is_no_regular_file_is_named_at_once(results, tmp_path, make, suffix):
    path = Store(results / "store").path(*MAPS).with_suffix(suffix)
    other = path.rename(tmp_path / path.name)
    make(path, other)
    code = "import sys; from peephole.cli import main; sys.argv[0] = 'peephole'; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "store", "check", "--repair", str(results)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in (1, 2), done.stdout
    assert "Traceback" not in done.stderr
    assert MAPS[1] in " ".join((done.stdout + done.stderr).split()).replace(" ", "")
    assert os.path.lexists(path)


def test_a_filter_that_is_not_installed_is_no_damage(results, monkeypatch):
    monkeypatch.setattr(h5py.h5z, "filter_avail", lambda code: code != 32015)
    store = Store(results / "store")
    path = store.path(*MAPS)
    before = path.read_bytes()
    with pytest.raises(MissingFilter, match=r"the HDF5 filter 32015.*not installed.*pip install hdf5plugin"):
        store.read(*MAPS)
    faults = check_store(store)
    assert faults
    assert all("hdf5plugin" in str(fault) and not fault.mends for fault in faults)
    assert repair(store, faults) == []
    assert path.read_bytes() == before


ERRORS = (
    *(
        OSError(5, "Input/output error"),
        OSError(37, "No locks available"),
        OSError("Unable to synchronously open file"),
    ),
    *(OSError("can't open directory of plugins"), PermissionError(13, "Permission denied")),
)


@pytest.mark.parametrize("error", ERRORS, ids=str)
def test_bytes_that_match_their_receipt_are_never_discarded(results, monkeypatch, error):
    def fails(*arguments, **options):
        raise error

    monkeypatch.setattr(opening.h5py, "File", fails)
    store = Store(results / "store")
    faults = check_store(store)
    assert faults
    assert all("holds the bytes that were written" in fault.what for fault in faults)
    assert repair(store, faults) == []
    for fault in faults:
        assert store.discard_damaged(fault.kind, fault.digest) is False
    assert {fault.digest for fault in faults} <= {path.stem for path in (results / "store").rglob("*.h5")}


def test_arrays_that_are_larger_than_memory_are_refused_before_they_are_read(tmp_path, monkeypatch):
    path = tmp_path / "file.h5"
    with h5py.File(path, "w") as file:
        file["x"] = np.zeros((1000, 1000), np.float32)
    open_hdf5(path, "it").close()
    monkeypatch.setattr(opening, "_memory", lambda: 1 << 20)
    with pytest.raises(UnsafeFile, match=r"it has an array 'x' of shape \(1000, 1000\)"):
        open_hdf5(path, "it")


def test_equal_numbers_are_no_bomb(tmp_path):
    """Maps that are the same everywhere compress as well as anything can."""
    hdf5plugin = pytest.importorskip("hdf5plugin")
    path = tmp_path / "flat.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset(
            "x", data=np.ones((80, 1 << 20), "f4"), chunks=(1, 1 << 17), fletcher32=True, **hdf5plugin.Zstd(clevel=3)
        )
    assert path.stat().st_size < 200_000
    with open_hdf5(path, "it") as file:
        assert file["x"].nbytes > 320_000_000


def export_of(results, command, *options):
    path = results.parent / "export.h5"
    code, _, err = command("store", "export", path, "--from", results, *options)
    assert code == 0, err
    return path


@pytest.mark.parametrize("options", [(), ("--link",)])
def test_an_export_of_ours_is_opened(results, command, options):
    path = export_of(results, command, *options)
    assert is_export(path)
    with opened(path) as file:
        assert file["tables/units"]["kind"].shape[0] > 0


@pytest.mark.parametrize("make", [external_link, soft_link, external_storage, virtual])
@pytest.mark.parametrize("options", [(), ("--link",)])
def test_an_export_that_points_elsewhere_is_refused(results, command, secret, options, make):
    path = export_of(results, command, *options)
    with h5py.File(path, "a") as file:
        file.move("maps", "own_maps")
        make(file, secret)
    with pytest.raises(Unreadable, match=r"export\.h5 has"):
        opened(path)


def test_a_pipe_is_no_export(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert not is_export(tmp_path / "pipe")
