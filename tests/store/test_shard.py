import math

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from peephole.errors import PeepholeError
from peephole.store import shard as module
from peephole.store.shard import Shard, read_shard, write_shard

ARRAYS = st.dictionaries(
    st.from_regex(r"[a-z]{1,8}(/[a-z0-9][a-z0-9.]{0,6}[a-z0-9])?", fullmatch=True),
    hnp.arrays(
        st.sampled_from([np.float32, np.float64, np.int64, np.uint8, np.bool_]),
        hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4),
    ),
    max_size=4,
)


def prefix_free(names):
    return not any(other.startswith(f"{name}/") for name in names for other in names)


@settings(max_examples=40, deadline=None)
@given(arrays=ARRAYS.filter(prefix_free))
def test_what_is_written_is_read(tmp_path_factory, arrays):
    path = tmp_path_factory.mktemp("shard") / "a.h5"
    write_shard(path, Shard(arrays, {"answer": [1, 2.5, "three", None]}))
    back = read_shard(path)
    assert back.facts == {"answer": [1, 2.5, "three", None]}
    assert list(back.arrays) == list(arrays)
    for name, array in arrays.items():
        assert back.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(back.arrays[name], array)


def test_maps_are_chunked_by_whole_maps_compressed_and_checked(tmp_path):
    write_shard(tmp_path / "a.h5", Shard({"maps/layer1.0": np.zeros((250, 2, 1, 32, 32), np.float32)}))
    with h5py.File(tmp_path / "a.h5") as file:
        dataset = file["maps/layer1.0"]
        assert dataset.chunks == (63, 2, 1, 32, 32), "four even parts of half a megabyte"
        assert dataset.fletcher32
        assert dataset.shuffle
        assert dataset.dtype == np.float32
        assert file.attrs["encoding_version"] == module.ENCODING_VERSION


def test_small_arrays_are_checked_alone(tmp_path):
    write_shard(tmp_path / "a.h5", Shard({"value": np.zeros((9, 250))}))
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["value"].chunks == (9, 250)
        assert file["value"].fletcher32
        assert not file["value"].shuffle
        assert file["value"].id.get_create_plist().get_nfilters() == 1


@given(shape=st.lists(st.integers(1, 3000), min_size=1, max_size=5), most=st.integers(1, 5000))
def test_chunks_hold_at_most_what_they_may_and_cut_one_axis(shape, most):
    chunks = module._chunks(tuple(shape), most)
    assert len(chunks) == len(shape)
    assert all(1 <= chunk <= side for chunk, side in zip(chunks, shape, strict=True))
    assert math.prod(chunks) <= most
    cut = [place for place, chunk in enumerate(chunks) if chunk not in (1, shape[place])]
    assert len(cut) <= 1


def test_a_shard_of_any_chunks_is_read(tmp_path):
    maps = np.random.default_rng(0).random((40, 1, 1, 32, 32), dtype=np.float32)
    write_shard(tmp_path / "a.h5", Shard({"other": np.zeros(3)}))
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file.create_dataset("maps/x", data=maps, chunks=(1, 1, 1, 32, 32), shuffle=True, fletcher32=True)
        file.attrs["names"] = '["maps/x"]'
    np.testing.assert_array_equal(read_shard(tmp_path / "a.h5").arrays["maps/x"], maps)


def test_gzip_serves_where_hdf5plugin_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "load_filters", lambda: False)
    array = np.arange(16384, dtype=np.float32).reshape(1, 128, 128)
    write_shard(tmp_path / "a.h5", Shard({"x": array}))
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["x"].compression == "gzip"
    np.testing.assert_array_equal(read_shard(tmp_path / "a.h5").arrays["x"], array)


def test_an_unknown_encoding_is_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs["encoding"] = "something else"
    with pytest.raises(PeepholeError, match="something else"):
        read_shard(tmp_path / "a.h5")


def test_groups_keep_their_order():
    names = ["maps/input", "maps/stem", "maps/layer1.0", "other"]
    shard = Shard({name: np.zeros(1) for name in names})
    assert list(shard.group("maps")) == ["input", "stem", "layer1.0"]
