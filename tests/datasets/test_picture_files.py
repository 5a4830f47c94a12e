import pickle

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from peephole.datasets.centre_crop import CentreCrop
from peephole.datasets.picture_files import PictureFiles
from peephole.errors import PeepholeError

COUNT = 7


@pytest.fixture
def array():
    return np.random.default_rng(0).integers(0, 256, (COUNT, 3, 16, 16), dtype=np.uint8)


@pytest.fixture
def files(tmp_path, array):
    names = [f"class {number % 2}/bild-{number}-ä.png" for number in range(COUNT)]
    for name, pixels in zip(names, array, strict=True):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(pixels.transpose(1, 2, 0)).save(tmp_path / name)
    return PictureFiles(tmp_path, names, 16, None)


def test_it_looks_like_the_array(files, array):
    assert len(files) == len(array)
    for name in ("shape", "dtype", "nbytes", "ndim"):
        assert getattr(files, name) == getattr(array, name)


@pytest.mark.parametrize(
    "index",
    [
        *(0, -1, np.int64(3), np.array(2), slice(None), slice(5, 1, -2), slice(9, 20), []),
        *([4, 4, -2], np.array([6, 0]), np.array([], np.int64), np.arange(COUNT) % 2 == 0),
    ],
    ids=repr,
)
def test_it_is_indexed_like_the_array(files, array, index):
    found = files[index]
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, array[index])


def test_it_is_indexed_by_tensors(files, array):
    np.testing.assert_array_equal(files[torch.tensor([3, 1])], array[[3, 1]])
    np.testing.assert_array_equal(files[torch.tensor(5)], array[5])


@pytest.mark.parametrize("index", [COUNT, -COUNT - 1, [0, COUNT], np.array([-COUNT - 1]), np.ones(COUNT + 1, bool)])
def test_there_is_nothing_beyond_the_end(files, index):
    with pytest.raises(IndexError):
        files[index]


def test_it_becomes_an_array(files, array):
    np.testing.assert_array_equal(np.asarray(files), array)
    np.testing.assert_array_equal(np.stack(list(files)), array)
    assert np.asarray(files, np.int64).dtype == np.int64
    with pytest.raises(ValueError, match="without a copy"):
        np.array(files, copy=False)


def test_many_pictures_end_up_in_their_own_places(tmp_path):
    names = [f"{number:03}.bmp" for number in range(150)]
    for number, name in enumerate(names):
        Image.new("RGB", (4, 4), (number, 0, 0)).save(tmp_path / name)
    np.testing.assert_array_equal(PictureFiles(tmp_path, names, 4, None).decoded()[:, 0, 0, 0], np.arange(150))


def test_nothing_is_read_before_it_is_asked_for(tmp_path):
    files = PictureFiles(tmp_path / "nowhere", ["a.png", "b.png"], 16, None)
    assert files.shape == (2, 3, 16, 16)
    with pytest.raises(PeepholeError, match=r"nowhere/b\.png cannot be read"):
        files[1]


def test_no_pictures_are_an_empty_array(tmp_path):
    empty = PictureFiles(tmp_path, [], 16, None)
    assert empty.decoded().shape == empty[:].shape == (0, 3, 16, 16)


def test_pickled_it_takes_little_more_than_its_names(tmp_path, files, array):
    names = [f"n{number % 1000:08}/n{number % 1000:08}_{number}.JPEG" for number in range(20_000)]
    many = PictureFiles(tmp_path, names, 224, CentreCrop.usual(224))
    stored = pickle.dumps(many)
    assert len(stored) < sum(map(len, names)) + 8 * len(names) + 2_000
    again = pickle.loads(stored)
    assert again.path(12_345) == f"{tmp_path}/{names[12_345]}"
    assert again.fit == many.fit
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(files))[:], array)


def test_a_loader_reads_it(files, array):
    loader = DataLoader(files, batch_size=3)
    np.testing.assert_array_equal(torch.cat(list(loader)), array)
