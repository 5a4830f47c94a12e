"""Stores that other versions wrote: older ones are read bit for bit, unknown ones neither trusted nor overwritten."""

import json

import h5py
import numpy as np
import pytest

from peephole.engines.run import run_units
from peephole.machine import Machine
from peephole.runner import Silent
from peephole.store.checking import check_store, repair
from peephole.store.shard import UnknownEncoding, read_shard
from peephole.store.store import Store, file_digest
from peephole.workspace import Workspace

STEPS = np.arange(10240, dtype=np.float32).reshape(10, 1, 1, 32, 32) / 8
PROBES = ("probe_set", "493caa0983aeb765bd036c78298c4d13")
GRADIENT = ("maps", "770b77cf0c5dde22b1bc8d5a55b99b57")
GRAD_CAM = ("maps", "c6466fb049ab77d5546b833bbea1a208")
WRITTEN = {
    PROBES: {
        "mask": np.repeat(STEPS > 100, 4, 0),
        "selection": np.arange(10) > 7,
        "none": np.zeros((0, 3), np.float32),
        "scalar": np.float64(np.pi),
    },
    GRADIENT: {
        "maps/input": STEPS - 600,
        "maps/layer1.0": np.linspace(-1, 1, 640, dtype=np.float32).reshape(10, 1, 1, 8, 8),
    },
    GRAD_CAM: {"maps/input": np.repeat(STEPS[:, :, :, :1], 32, 3)},
}
"""What the shards of encoded/v1 were made of."""


@pytest.mark.parametrize("name", WRITTEN, ids="/".join)
def test_version_1_is_read_bit_for_bit(results, name):
    arrays = Store(results / "store").read(*name).arrays
    assert list(arrays) == list(WRITTEN[name])
    for key, array in WRITTEN[name].items():
        assert arrays[key].dtype == np.asarray(array).dtype
        assert arrays[key].shape == np.shape(array)
        assert arrays[key].tobytes() == np.asarray(array).tobytes()


def test_version_1_has_both_compressions(results):
    store = Store(results / "store")
    found = {name: h5py.File(store.path(*name))["maps/input"].id.get_create_plist() for name in (GRADIENT, GRAD_CAM)}
    filters = {name: {made.get_filter(n)[0] for n in range(made.get_nfilters())} for name, made in found.items()}
    assert filters == {GRADIENT: {2, 32015, 3}, GRAD_CAM: {2, 1, 3}}


def test_receipts_of_version_1_count_and_its_store_is_sound(results):
    store = Store(results / "store")
    assert check_store(store) == []
    for name in WRITTEN:
        assert store.receipt(*name).seconds == 1.25
    assert store.facts(*GRADIENT)["ms_per_image"] == 0.5


def of_version(store, kind, digest, version):
    """Make a shard one of another version of the encoding, with a receipt to match."""
    path = store.path(kind, digest)
    with h5py.File(path, "a") as file:
        file.attrs["encoding_version"] = version
    receipt = path.with_suffix(".json")
    content = json.loads(receipt.read_text())
    receipt.write_text(json.dumps({**content, "sha256": file_digest(path), "bytes": path.stat().st_size}))
    return path


def later_receipt(store, kind, digest):
    """Make a receipt one that has what this version does not know."""
    path = store.path(kind, digest).with_suffix(".json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "signature": "", "peephole_version": "9.1"}))
    return path


@pytest.mark.parametrize("version", [0, 2, 99])
def test_an_unknown_version_is_named_and_nothing_is_discarded(results, version):
    store = Store(results / "store")
    path = of_version(store, *GRADIENT, version)
    before = path.read_bytes()
    with pytest.raises(UnknownEncoding, match=rf"770b.*\.h5 is encoded as peephole-shard version {version}.*; use the"):
        read_shard(path)
    (fault,) = check_store(store)
    assert f"version {version}" in fault.what
    assert "use the one that wrote it" in fault.do
    assert repair(store, [fault]) == []
    assert path.read_bytes() == before


@pytest.mark.parametrize(("change", "words"), [(of_version, "version 7"), (later_receipt, "'signature'")])
def test_a_run_on_an_unknown_version_stops_there_and_overwrites_nothing(tmp_path, total, change, words):
    store = Store(tmp_path)
    a = total("a", 1)
    b = total("b", 2, a=a)
    run_units([a], Workspace(store, Machine("cpu")), Silent())
    change(*((store, a.kind, a.digest, 7) if change is of_version else (store, a.kind, a.digest)))
    before = {path: path.read_bytes() for path in (tmp_path / "total").iterdir()}
    outcome = run_units([a, b], Workspace(store, Machine("cpu")), Silent())
    (failure,) = outcome.failed
    assert failure.unit == b
    assert words in failure.reason
    assert "use the one that wrote it" in failure.reason
    assert "\n" not in failure.reason
    assert {path: path.read_bytes() for path in (tmp_path / "total").iterdir()} == before


def test_a_later_receipt_is_refused_by_every_command(results, command):
    later_receipt(Store(results / "store"), *GRADIENT)
    for arguments in (("ls", results), ("export", results.parent / "e.h5", "--from", results)):
        code, _, lines = command("store", *arguments)
        assert code == 2
        (line,) = lines
        assert "another version of peephole (it has 'signature')" in line
        assert "9.1" in line
    assert not (results.parent / "e.h5").exists()
    code, out, _ = command("store", "check", results)
    assert code == 1
    assert "'signature'" in out
