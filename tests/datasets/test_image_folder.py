import shutil

import numpy as np
import pytest
from PIL import Image

from peephole.datasets.folder import Folder
from peephole.datasets.picture_files import PictureFiles
from peephole.errors import PeepholeError

COUNTS = {"train": 3, "test": 2}


def make(root, size):
    for split, count in COUNTS.items():
        for label, name in enumerate(("zebra", "Ant", "cat")):
            (root / split / name).mkdir(parents=True)
            for number in range(count):
                colour = (60 * label + number, 100, 0)
                Image.new("RGB", size, colour).save(root / split / name / f"{number}.png")
    return root


@pytest.fixture
def square(tmp_path):
    return make(tmp_path / "square", (24, 24))


@pytest.fixture
def wide(tmp_path):
    return make(tmp_path / "wide", (40, 30))


def refused(match, call, *args, **options):
    with pytest.raises(PeepholeError, match=match) as error:
        call(*args, **options)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("side", [None, 24])
def test_square_pictures_are_taken_as_they_are(square, side):
    dataset = Folder(side=side, folder=square)
    assert (dataset.side, dataset.classes) == (24, ("Ant", "cat", "zebra"))
    assert dataset.identity()["fit"] == "as they are"
    for split, count in COUNTS.items():
        pictures = dataset.load(split)
        assert dataset.identity()[f"{split}_count"] == len(pictures.labels)
        np.testing.assert_array_equal(pictures.labels, np.repeat(range(3), count))
        colours = np.array([60, 120, 0])[pictures.labels] + np.tile(range(count), 3)
        np.testing.assert_array_equal(
            pictures.images[:, 0], np.broadcast_to(colours[:, None, None], (3 * count, 24, 24))
        )


def test_other_pictures_are_cropped_to_the_side_that_is_given(square, wide):
    for folder in (square, wide):
        dataset = Folder(side=16, folder=folder)
        assert dataset.load("test").images.shape == (6, 3, 16, 16)
        assert dataset.identity()["fit"] == "shorter side 18 bilinear, centre 16"


def test_pictures_that_are_not_square_need_a_side(wide):
    refused(
        r"not square: Ant/0\.png is 40x30 pixels; expected a side to crop them to; give the side", Folder, folder=wide
    )


def test_a_side_that_is_too_small(square, tmp_path):
    refused("cannot have side 8; expected at least 16", Folder, side=8, folder=square)
    refused("cannot have side 9; expected at least 16", Folder, folder=make(tmp_path / "tiny", (9, 9)))


def test_one_picture_of_another_size_is_named(square):
    Image.new("RGB", (25, 24)).save(square / "test" / "cat" / "1.png")
    refused(r"cat/1\.png is 25x24 pixels; expected 24x24", Folder(folder=square).load, "test")


def test_val_is_taken_where_there_is_no_test(square):
    expected = Folder(folder=square).identity()
    (square / "test").rename(square / "val")
    assert Folder(folder=square).identity() == expected
    make(square / "more", (24, 24))
    shutil.move(square / "more" / "test", square / "test")
    (square / "val" / "odd").mkdir()
    assert Folder(folder=square).identity() == expected


def test_the_fingerprint_knows_classes_sizes_and_side_but_no_path(square, tmp_path):
    identity = Folder(folder=square).identity()
    moved = tmp_path / "moved"
    shutil.copytree(square, moved)
    assert Folder(folder=moved).identity() == identity
    assert Folder(side=16, folder=moved).identity() != identity
    for split in COUNTS:
        (moved / split / "cat").rename(moved / split / "dog")
    assert Folder(folder=moved).identity()["files"] != identity["files"]


def test_a_large_split_stays_in_its_files(square):
    lazy = Folder(folder=square, in_memory=0)
    assert isinstance(lazy.load("train").images, PictureFiles)
    np.testing.assert_array_equal(lazy.load("train").images[:], Folder(folder=square).load("train").images)


def test_no_folder_or_no_split(square, tmp_path):
    refused(r"no folder to look for pictures in; expected \{train,test\}.*--data DIR or PEEPHOLE_DATA", Folder)
    refused("no train in .*; expected .*--data DIR", Folder, folder=tmp_path / "nowhere")
    shutil.rmtree(square / "test")
    refused("no test or val in .*; expected .*--data DIR", Folder, folder=square)


@pytest.mark.parametrize(("split", "other"), [("train", "test"), ("test", "train")])
def test_a_class_in_one_split_only_and_an_empty_class_are_named(square, split, other):
    (square / split / "bee").mkdir()
    refused(f"class {split}/bee in .* has no {other}/bee; expected the same", Folder, folder=square)
    (square / other / "bee").mkdir()
    shutil.copy(square / "train" / "cat" / "0.png", square / other / "bee")
    refused(f"class {split}/bee in .* has no picture; expected at least one; add some", Folder, folder=square)


def test_fewer_than_two_classes(square):
    for split in COUNTS:
        for name in ("cat", "zebra"):
            shutil.rmtree(square / split / name)
    refused("found 1 classes in .*train; expected at least 2", Folder, folder=square)
    for split in COUNTS:
        shutil.rmtree(square / split / "Ant")
    refused("found 0 classes in .*train; expected at least 2", Folder, folder=square)


def test_a_first_picture_that_is_none(square):
    (square / "train" / "Ant" / "0.png").write_bytes(b"")
    refused(r"Ant/0\.png cannot be read", Folder, folder=square)


FORMATS = {
    **{".jpg": "JPEG", ".jpeg": "JPEG", ".jpe": "JPEG", ".jfif": "JPEG", ".png": "PNG", ".bmp": "BMP", ".dib": "DIB"},
    **{
        ".webp": "WEBP",
        ".tif": "TIFF",
        ".tiff": "TIFF",
        ".gif": "GIF",
        ".ppm": "PPM",
        ".pnm": "PPM",
        ".jp2": "JPEG2000",
    },
}


@pytest.mark.parametrize("suffix", [*FORMATS, ".TIFF", ".Jpg"])
def test_a_class_of_any_format_is_read(square, suffix):
    for split in COUNTS:
        shutil.rmtree(square / split / "cat")
        (square / split / "cat").mkdir()
        picture = Image.new("RGB", (24, 24), (0, 200, 40))
        picture.save(square / split / "cat" / f"one{suffix}", format=FORMATS[suffix.lower()])
    dataset = Folder(folder=square)
    assert not dataset.notes
    pictures = dataset.load("test")
    (mine,) = np.asarray(pictures.images)[pictures.labels == 1]
    assert np.abs(mine.mean((1, 2)) - [0, 200, 40]).max() < 4


def test_what_is_left_out_is_counted(square):
    for name in ("a.heic", "b.heic", "notes.txt", "README", ".DS_Store", "Thumbs.db", ".hidden.txt"):
        (square / "train" / "cat" / name).touch()
    for name in ("__MACOSX", "@eaDir", "lost+found", ".git"):
        (square / "train" / name).mkdir()
        (square / "train" / name / "x.png").touch()
    dataset = Folder(folder=square)
    assert dataset.classes == ("Ant", "cat", "zebra")
    assert dataset.notes == (
        f"4 files in {square / 'train'} are no pictures that are read (2 of .heic, 1 of .txt, 1 of no suffix)",
    )
    assert len(dataset.load("train").labels) == 9


def test_a_class_whose_files_are_none_that_are_read_says_what_they_are(square):
    shutil.rmtree(square / "train" / "cat")
    (square / "train" / "cat").mkdir()
    (square / "train" / "cat" / "a.heic").touch()
    refused(
        r"class train/cat in .* has no picture \(other files there: \.heic\); expected at least one",
        Folder,
        folder=square,
    )


def test_a_name_with_an_accent_is_one_class_however_it_is_spelt(square):
    composed, apart = "caf\u00e9", "cafe\u0301"
    (square / "train" / "cat").rename(square / "train" / composed)
    (square / "test" / "cat").rename(square / "test" / apart)
    dataset = Folder(folder=square)
    assert dataset.classes == ("Ant", composed, "zebra")
    assert len(dataset.load("test").labels) == 6
    same = Folder(folder=square).identity()
    (square / "test" / apart).rename(square / "test" / composed)
    assert Folder(folder=square).identity() == same


def test_two_spellings_of_one_name_side_by_side_are_refused(square):
    for name in ("caf\u00e9", "cafe\u0301"):
        (square / "train" / name).mkdir()
    refused("two folders of the name caf\u00e9", Folder, folder=square)


def test_pictures_are_turned_as_the_camera_was_held(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    noise = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    upright = Image.fromarray(noise)
    for split in COUNTS:
        for name in ("one", "two"):
            (tmp_path / split / name).mkdir(parents=True)
            turned = upright.transpose(Image.Transpose.ROTATE_90)
            turned.save(tmp_path / split / name / "a.png", exif=exif)
            upright.save(tmp_path / split / name / "b.png")
    dataset = Folder(folder=tmp_path, side=24)
    assert dataset.identity()["decoding"] == "upright"
    pictures = np.asarray(dataset.load("train").images)
    np.testing.assert_array_equal(pictures[0], pictures[1])
