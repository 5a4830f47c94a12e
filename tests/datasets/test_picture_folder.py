import os

import numpy as np
import pytest
from PIL import Image

from peephole.datasets.centre_crop import CentreCrop
from peephole.datasets.picture_files import PictureFiles
from peephole.datasets.picture_folder import PictureFolder
from peephole.errors import PeepholeError


def save(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture
def tree(tmp_path):
    for number, name in enumerate(("cat/2.png", "cat/10.PNG", "ant/a.png")):
        save(tmp_path / name, noise(8, 8, 3, seed=number))
    (tmp_path / "cat" / "notes.txt").write_text("no picture")
    (tmp_path / "cat" / "._2.png").write_bytes(b"left by another system")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "list.png").write_bytes(b"no class folder")
    (tmp_path / "bee").mkdir()
    return tmp_path


def test_classes_and_pictures_are_sorted_and_anything_else_is_ignored(tree):
    folder = PictureFolder.scan(tree)
    assert folder.names == {"ant": ("a.png",), "bee": (), "cat": ("10.PNG", "2.png")}
    assert folder.classes == ("ant", "bee", "cat")
    assert len(folder) == 3


def test_sizes_are_those_of_the_files(tree):
    expected = [(name, (tree / name).stat().st_size) for name in ("ant/a.png", "cat/10.PNG", "cat/2.png")]
    assert list(PictureFolder.scan(tree).sizes()) == expected


def test_pictures_come_in_order_with_channels_first(tree):
    pictures = PictureFolder.scan(tree).load(8)
    np.testing.assert_array_equal(pictures.labels, [0, 2, 2])
    assert pictures.labels.dtype == np.int64
    assert pictures.images.flags["C_CONTIGUOUS"]
    for image, seed in zip(pictures.images, (2, 1, 0), strict=True):
        np.testing.assert_array_equal(image, noise(8, 8, 3, seed=seed).transpose(2, 0, 1))


def test_many_pictures_end_up_in_their_own_places(tmp_path):
    for number in range(600):
        save(tmp_path / "only" / f"{number:03}.bmp", np.full((4, 4, 3), number % 251, np.uint8))
    images = PictureFolder.scan(tmp_path).load(4).images
    np.testing.assert_array_equal(images[:, 0, 0, 0], np.arange(600) % 251)


def test_a_folder_that_is_not_there_has_no_classes(tmp_path):
    assert PictureFolder.scan(tmp_path / "nowhere").names == {}


def test_a_picture_of_another_size_is_named(tmp_path):
    save(tmp_path / "a" / "wide.png", noise(6, 9, 3))
    with pytest.raises(PeepholeError, match=r"wide\.png is 9x6 pixels; expected 8x8"):
        PictureFolder.scan(tmp_path).load(8)


def test_a_folder_named_like_a_picture_is_none(tree):
    (tree / "bee" / "hive.jpg").mkdir()
    assert PictureFolder.scan(tree).names["bee"] == ()


def test_a_flat_folder_has_the_same_names_sizes_and_pictures(tree, tmp_path_factory):
    flat = tmp_path_factory.mktemp("flat")
    for kind, name in (("ant", "a.png"), ("cat", "10.PNG"), ("cat", "2.png")):
        (flat / name).write_bytes((tree / kind / name).read_bytes())
    sorted_folder = PictureFolder.scan(tree)
    folder = PictureFolder(flat, sorted_folder.names, flat=True)
    assert list(folder.sizes()) == list(sorted_folder.sizes())
    np.testing.assert_array_equal(folder.load(8).images, sorted_folder.load(8).images)
    np.testing.assert_array_equal(folder.load(8).labels, sorted_folder.load(8).labels)


@pytest.mark.parametrize("spare", [0, -1])
def test_what_does_not_fit_into_memory_stays_in_files(tree, spare):
    folder = PictureFolder.scan(tree)
    pictures = folder.load(16, CentreCrop(16, 20), in_memory=3 * 3 * 16 * 16 + spare)
    assert isinstance(pictures.images, PictureFiles) == (spare < 0)
    np.testing.assert_array_equal(pictures.images[:], folder.load(16, CentreCrop(16, 20)).images)
    np.testing.assert_array_equal(pictures.labels, [0, 2, 2])


def test_scanning_asks_for_no_size_and_opens_nothing(tree):
    for name in ("cat/2.png", "ant/a.png"):
        (tree / name).unlink()
        (tree / name).symlink_to("nowhere")
    folder = PictureFolder.scan(tree)
    assert len(folder) == 3
    with pytest.raises(PeepholeError, match=r"ant/a\.png is not there \(No such file.*\); expected a file.*unpack"):
        list(folder.sizes())


def test_a_folder_that_may_not_be_listed(tree, monkeypatch):
    def forbidden(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", forbidden)
    with pytest.raises(PeepholeError, match=r"/ant cannot be listed \(Permission denied\); expected a readable"):
        PictureFolder.scan(tree)
