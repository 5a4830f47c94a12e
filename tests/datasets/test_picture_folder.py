import numpy as np
import pytest
from PIL import Image

from peephole.datasets.picture_folder import PictureFolder, decode
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
    assert PictureFolder.scan(tree).sizes == expected


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


def test_grey_pictures_become_colour(tmp_path):
    save(tmp_path / "grey.png", noise(4, 4))
    np.testing.assert_array_equal(decode(str(tmp_path / "grey.png"), 4), np.broadcast_to(noise(4, 4), (3, 4, 4)))


def test_a_folder_that_is_not_there_has_no_classes(tmp_path):
    assert PictureFolder.scan(tmp_path / "nowhere").names == {}


def test_pictures_are_fitted_if_the_caller_says_how(tmp_path):
    save(tmp_path / "wide.png", noise(6, 9, 3))
    cropped = decode(str(tmp_path / "wide.png"), 4, fit=lambda picture: picture.crop((2, 1, 6, 5)))
    np.testing.assert_array_equal(cropped, noise(6, 9, 3)[1:5, 2:6].transpose(2, 0, 1))


def test_a_picture_of_another_size_is_named(tmp_path):
    save(tmp_path / "a" / "wide.png", noise(6, 9, 3))
    with pytest.raises(PeepholeError, match=r"wide\.png is 9x6 pixels; expected 8x8"):
        PictureFolder.scan(tmp_path).load(8)


@pytest.mark.parametrize(("suffix", "kept"), [("jpg", 0.6), ("png", 0.6), ("png", 0.1), ("jpg", 0.0)])
def test_a_truncated_picture_is_named_in_one_line(tmp_path, suffix, kept):
    path = tmp_path / "a" / f"half.{suffix}"
    save(path, noise(32, 32, 3))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * kept)])
    with pytest.raises(PeepholeError, match=rf"half\.{suffix} cannot be read \(.+\); expected a whole") as error:
        PictureFolder.scan(tmp_path).load(32)
    assert "\n" not in str(error.value)
