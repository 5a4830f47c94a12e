import os
import pickle

import numpy as np
import pytest

from peephole.datasets.cifar_batches import read_batch
from peephole.errors import PeepholeError

DATA = np.random.default_rng(0).integers(0, 256, (3, 3072), dtype=np.uint8)


def python2_pickle(data, labels):
    """The opcodes of the original release, which was pickled by Python 2 and numpy 1."""
    shape = b"".join(b"M" + size.to_bytes(2, "little") for size in data.shape)
    text = data.tobytes()
    return b"".join(
        [
            b"\x80\x02}q\x01(",
            b"U\x04data" + b"cnumpy.core.multiarray\n_reconstruct\nq\x02cnumpy\nndarray\nq\x03K\x00\x85U\x01b\x87R",
            b"(K\x01" + shape + b"\x86cnumpy\ndtype\nq\x04U\x02u1K\x00K\x01\x87R",
            b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89",
            b"T" + len(text).to_bytes(4, "little") + text + b"tb",
            b"U\x06labels](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e",
            b"U\x0bbatch_labelU\x15training batch 1 of 5u.",
        ]
    )


def test_the_original_release_is_read(tmp_path):
    (tmp_path / "batch").write_bytes(python2_pickle(DATA, [4, 0, 9]))
    images, labels = read_batch(tmp_path / "batch", 3)
    np.testing.assert_array_equal(images, DATA.reshape(3, 3, 32, 32))
    np.testing.assert_array_equal(labels, [4, 0, 9])
    assert (images.dtype, labels.dtype) == (np.uint8, np.int64)


@pytest.mark.parametrize("protocol", range(2, 5))
def test_batches_pickled_today_are_read(tmp_path, protocol):
    (tmp_path / "batch").write_bytes(pickle.dumps({"data": DATA, "labels": [1, 2, 3]}, protocol))
    images, labels = read_batch(tmp_path / "batch", 3)
    np.testing.assert_array_equal(images.reshape(3, -1), DATA)
    np.testing.assert_array_equal(labels, [1, 2, 3])


class Harm:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_a_pickle_cannot_run_code(tmp_path):
    (tmp_path / "batch").write_bytes(pickle.dumps({"data": Harm(str(tmp_path / "harmed")), "labels": []}))
    with pytest.raises(PeepholeError, match=r"asks for (posix|nt)\.mkdir"):
        read_batch(tmp_path / "batch", 3)
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (python2_pickle(DATA, [1, 2, 3])[:-4000], "."),
        (b"", "Ran out of input"),
        (b"not a pickle", "."),
        (pickle.dumps([1, 2]), "."),
        (pickle.dumps({"data": DATA}), "labels"),
        (pickle.dumps({"data": DATA, "labels": [1, 2]}), r"labels \[2\]"),
        (pickle.dumps({"data": DATA[:, :99], "labels": [1, 2, 3]}), r"uint8\[3, 99\]"),
        (pickle.dumps({"data": DATA.astype(np.float32), "labels": [1, 2, 3]}), "an array of f4"),
    ],
)
def test_a_broken_batch_is_refused_in_one_line(tmp_path, content, found):
    (tmp_path / "batch").write_bytes(content)
    with pytest.raises(
        PeepholeError, match=rf"batch is no CIFAR batch: found .*{found}.*; expected 3 pictures"
    ) as error:
        read_batch(tmp_path / "batch", 3)
    assert "\n" not in str(error.value)


def test_arrays_pickled_another_way_are_refused_not_misread(tmp_path):
    (tmp_path / "batch").write_bytes(pickle.dumps({"data": DATA, "labels": [1, 2, 3]}, 5))
    with pytest.raises(PeepholeError, match=r"asks for numpy\.\w+\.numeric\._frombuffer"):
        read_batch(tmp_path / "batch", 3)
