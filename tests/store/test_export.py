"""Exports: one file for others, bit for bit, or none."""

import hashlib
import json
import os
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pandas as pd
import pytest

from peephole.errors import PeepholeError
from peephole.leaderboard.tables import LEADERBOARD, SCORES, write_csv
from peephole.store.columns import write_table
from peephole.store.export import Choice, export
from peephole.store.index import opened
from peephole.store.receipt import spec_digest
from peephole.store.shard import Shard
from peephole.store.store import Store

PROBES = "493caa0983aeb765bd036c78298c4d13"
GRADIENT = "770b77cf0c5dde22b1bc8d5a55b99b57"
GRAD_CAM = "c6466fb049ab77d5546b833bbea1a208"
EVERY = {("maps", GRADIENT), ("maps", GRAD_CAM), ("probe_set", PROBES)}


def put(results, kind, spec, inputs, arrays, **facts):
    """Write one more shard."""
    identity = {"kind": kind, "version": 1, "spec": spec, "inputs": inputs}
    digest = spec_digest(identity)
    Store(results / "store").write(kind, digest, identity, Shard(arrays, facts), 0.5)
    return digest


@pytest.fixture
def board(results):
    """Results with tables and with maps of fewer pictures."""
    maps = {"maps/input": np.ones((3, 1, 1, 32, 32), np.float32)}
    spec = {"model": "resnet8", "method": "score_cam", "share": 0.3}
    fewer = put(results, "maps", spec, {"probes": PROBES}, maps)
    put(results, "scores", {"metrics": [{"metric": "ebpg"}]}, {"maps": fewer}, {"value": np.zeros(3)}, layers=["input"])
    frame = pd.DataFrame({"method": ["gradient", "naïve"], "layer": ["input", ""], "score": [0.5, np.nan]})
    write_csv(frame.assign(rank=pd.array([1, None], "Int64")), results / LEADERBOARD)
    write_csv(frame.assign(seed=[0, 1], core=[True, False]), results / SCORES)
    return results


def table(group):
    """As the file's how_to_read says."""
    return pd.DataFrame({k: c.asstr()[()] if h5py.check_string_dtype(c.dtype) else c[()] for k, c in group.items()})


def digest_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def refused(*arguments, **keywords):
    with pytest.raises(PeepholeError) as error:
        export(*arguments, **keywords)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_every_shard_is_there_bit_for_bit_with_all_it_says(board, tmp_path):
    done = export(board, tmp_path / "e.h5")
    assert done.shards == 5
    assert done.bytes == (tmp_path / "e.h5").stat().st_size
    store = Store(board / "store")
    with h5py.File(tmp_path / "e.h5") as file:
        for kind, digest in EVERY:
            group, shard = file[f"shards/{kind}/{digest}"], store.read(kind, digest)
            assert json.loads(group.attrs["facts"]) == shard.facts
            assert json.loads(group.attrs["names"]) == list(shard.arrays)
            assert json.loads(group.attrs["receipt"])["digest"] == digest
            with h5py.File(store.path(kind, digest)) as own:
                for name, array in shard.arrays.items():
                    copy = group[name]
                    assert (copy.dtype, copy.shape, copy.chunks) == (array.dtype, array.shape, own[name].chunks)
                    assert copy[()].tobytes() == np.asarray(array).tobytes()
                    assert copy.fletcher32 == own[name].fletcher32
                    assert dict(copy.attrs) == dict(own[name].attrs)


def test_what_needs_no_plugin_is_copied_as_it_lies_on_disk(results, tmp_path):
    export(results, tmp_path / "e.h5")

    def chunk(path, name):
        with h5py.File(path) as file:
            return file[name].id.read_direct_chunk((0,) * file[name].ndim)[1]

    store = Store(results / "store")
    copied = chunk(tmp_path / "e.h5", f"shards/maps/{GRAD_CAM}/maps/input")
    assert copied == chunk(store.path("maps", GRAD_CAM), "maps/input")


def test_h5py_and_pandas_alone_read_all_of_it(board, tmp_path):
    """In a process without plugins, by the three lines of the file itself."""
    export(board, tmp_path / "e.h5")
    with h5py.File(tmp_path / "e.h5") as file:
        text = file.attrs["how_to_read"]
    lines = [line[4:] for line in text.splitlines() if line.startswith("    ")]
    assert len(lines) == 4
    read_all = (
        "def look(name, one):\n    if isinstance(one, h5py.Dataset): one[()]\n"
        "with h5py.File('e.h5') as f: f.visititems(look)\n"
        "import sys; assert not {'hdf5plugin', 'peephole'} & set(sys.modules); print(len(table), *table)\n"
    )
    code = "\n".join([*lines, read_all])
    # Filters that are found by themselves would hide what is missing.
    done = subprocess.run(
        [sys.executable, "-I", "-W", "ignore", "-c", code],
        cwd=tmp_path,
        env={**os.environ, "HDF5_PLUGIN_PATH": "/nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("5 kind digest model trigger seed method")


def test_tables_are_the_files_and_describe_the_shards(board, tmp_path):
    export(board, tmp_path / "e.h5")
    with h5py.File(tmp_path / "e.h5") as file:
        units, ranking, scores = (table(file[f"tables/{name}"]) for name in ("units", "leaderboard", "scores"))
    own = units.set_index("digest")
    assert set(zip(units["kind"], units["digest"], strict=True)) > EVERY
    assert own.loc[GRADIENT, ["trigger", "method", "layers"]].tolist() == ["square", "gradient", "input,layer1.0"]
    assert json.loads(own.loc[GRADIENT, "inputs"]) == {"probes": PROBES}
    last = units[units["kind"] == "scores"].iloc[0]
    assert last[["trigger", "method", "metrics", "layers"]].tolist() == ["square", "score_cam", "ebpg", "input"]
    assert ranking["method"].tolist() == ["gradient", "naïve"]
    assert ranking["layer"].tolist() == ["input", ""]
    assert ranking["rank"].isna().tolist() == [False, True]
    assert scores["core"].dtype == bool
    assert scores["seed"].dtype == np.int64


def test_maps_of_a_trigger_and_layer_are_one_array(board, tmp_path):
    export(board, tmp_path / "e.h5")
    store = Store(board / "store")
    with h5py.File(tmp_path / "e.h5") as file:
        maps = file["maps/square/input"]
        rows = table(file[maps.attrs["rows"]])
        assert maps.shape == (2, 10, 1, 1, 32, 32)
        assert maps.dtype == np.float32
        assert rows["method"].tolist() == ["grad_cam", "gradient"]
        for row, digest in enumerate(rows["digest"]):
            np.testing.assert_array_equal(maps[row], store.read("maps", digest).arrays["maps/input"])
        assert file["maps/square/layer1.0"].shape == (1, 10, 1, 1, 8, 8)
        other = file["maps_of_other_shapes/square/input/3x1x1x32x32"]
        assert other.shape == (1, 3, 1, 1, 32, 32)
        assert table(file[other.attrs["rows"]])["method"].tolist() == ["score_cam"]


def test_a_link_is_small_moves_with_its_store_and_reads_the_same(board, tmp_path, monkeypatch):
    export(board, tmp_path / "e.h5")
    export(board, tmp_path / "moved" / "l.h5", link=True)
    place = tmp_path / "elsewhere"
    place.mkdir()
    shutil.move(board, place / "results")
    shutil.move(tmp_path / "moved", place / "moved")
    monkeypatch.chdir("/")
    with h5py.File(tmp_path / "e.h5") as copies, opened(place / "moved" / "l.h5") as links:
        for name in ("maps/square/input", "maps/square/layer1.0", f"shards/maps/{GRADIENT}/maps/input"):
            np.testing.assert_array_equal(links[name][()], copies[name][()])
        assert "hdf5plugin" in links.attrs["how_to_read"]


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"short")])
def test_a_link_whose_shards_have_gone_is_refused(results, tmp_path, damage):
    export(results, tmp_path / "l.h5", link=True)
    damage(Store(results / "store").path("maps", GRADIENT))
    with pytest.raises(PeepholeError, match=rf"points to results/store/maps/{GRADIENT}.h5, which is not there or not"):
        opened(tmp_path / "l.h5")


def test_only_exports_are_opened(tmp_path):
    (tmp_path / "a.h5").write_text("no such file")
    with h5py.File(tmp_path / "b.h5", "w"):
        pass
    for name, words in (("a.h5", "expected an export"), ("b.h5", "is None version None"), ("c.h5", "cannot read")):
        with pytest.raises(PeepholeError, match=words):
            opened(tmp_path / name)


@pytest.mark.parametrize("link", [False, True])
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda store: store.path("probe_set", PROBES).unlink(), f"made of probes {PROBES}|probe_set/{PROBES}.h5"),
        (lambda store: store.discard("probe_set", PROBES), f"was made of probes {PROBES}, which is not in the store"),
        (lambda store: store.path("maps", GRADIENT).write_bytes(b""), "is 0 bytes long"),
        (lambda store: flip(store.path("maps", GRAD_CAM)), "does not match its receipt"),
    ],
)
def test_nothing_is_written_while_anything_is_missing_or_damaged(results, tmp_path, damage, words, link):
    export(results, tmp_path / "e.h5", link=link)
    before = digest_of(tmp_path / "e.h5")
    damage(Store(results / "store"))
    assert any(
        word in refused(results, tmp_path / "e.h5", Choice(kinds=("maps",)), link=link) for word in words.split("|")
    )
    assert digest_of(tmp_path / "e.h5") == before
    refused(results, tmp_path / "new.h5", link=link)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["e.h5", "results"]


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def test_a_choice_takes_what_it_names(board, tmp_path):
    export(board, tmp_path / "e.h5", Choice(("maps",), ("gradient",), ("layer1.0",)))
    with h5py.File(tmp_path / "e.h5") as file:
        assert list(file["shards/maps"]) == [GRADIENT]
        assert list(file[f"shards/maps/{GRADIENT}/maps"]) == ["layer1.0"]
        assert list(file["maps/square"]) == ["layer1.0"]
        assert table(file["tables/units"])["layers"].tolist() == ["layer1.0"]


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (Choice(kinds=("map",)), "unknown kind 'map'. Did you mean 'maps'"),
        (Choice(methods=("gradcam",)), "unknown method 'gradcam'. Did you mean 'grad_cam'"),
        (Choice(layers=("layer9",)), "unknown layer 'layer9'"),
    ],
)
def test_names_that_nothing_has_are_refused(results, tmp_path, choice, words):
    assert words in refused(results, tmp_path / "e.h5", choice)
    assert not (tmp_path / "e.h5").exists()


def test_other_files_and_the_store_itself_are_left_alone(results, tmp_path):
    (tmp_path / "thesis.h5").write_text("…")
    assert "is no export" in refused(results, tmp_path / "thesis.h5")
    assert "lies in the store" in refused(results, results / "store" / "maps" / "e.h5")
    assert "holds no results" in refused(tmp_path / "nowhere", tmp_path / "e.h5")
    shutil.rmtree(results / "store")
    assert "has no store" in refused(results, tmp_path / "e.h5")
    assert (tmp_path / "thesis.h5").read_text() == "…"


def test_columns_have_the_types_of_their_values(tmp_path):
    values = {"a": [1, 2], "b": [1, None], "c": [True, False], "d": ["ü" * 9, None], "e": ["", ""], "f": [0.5, 1]}
    with h5py.File(tmp_path / "a.h5", "w") as file:
        write_table(file, "x/y", values)
        read = table(file["x/y"])
    assert list(read) == list(values)
    assert [read[name].dtype.kind for name in "abcf"] == ["i", "f", "b", "f"]
    assert read["d"].tolist() == ["ü" * 9, ""]
    assert read["e"].tolist() == ["", ""]
