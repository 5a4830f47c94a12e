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


def test_maps_are_chunked_one_by_one_compressed_and_checked(tmp_path):
    write_shard(tmp_path / "a.h5", Shard({"maps/layer1.0": np.zeros((5, 2, 1, 8, 8), np.float32)}))
    with h5py.File(tmp_path / "a.h5") as file:
        dataset = file["maps/layer1.0"]
        assert dataset.chunks == (1, 1, 1, 8, 8)
        assert dataset.fletcher32
        assert dataset.shuffle
        assert dataset.dtype == np.float32
        assert file.attrs["encoding_version"] == module.ENCODING_VERSION


def test_gzip_serves_where_hdf5plugin_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_load_filters", lambda: False)
    array = np.arange(64, dtype=np.float32).reshape(1, 8, 8)
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
