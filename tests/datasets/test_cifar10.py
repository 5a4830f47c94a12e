import pickle
import shutil

import numpy as np
import pytest
from PIL import Image

from peephole.datasets.cifar10 import Cifar10
from peephole.errors import PeepholeError

PER_CLASS = {"train": 5, "test": 2}


@pytest.fixture(autouse=True)
def _small_release(monkeypatch):
    monkeypatch.setattr(Cifar10, "per_class", PER_CLASS)


@pytest.fixture
def pictures(tmp_path):
    """A small CIFAR-10 of picture files; each picture's colour is its class."""
    root = tmp_path / "data" / "cifar10"
    for split, count in PER_CLASS.items():
        for label, name in enumerate(Cifar10.classes):
            (root / split / name).mkdir(parents=True)
            for number in range(count):
                pixels = np.full((32, 32, 3), 20 * label + number, np.uint8)
                Image.fromarray(pixels).save(root / split / name / f"{number:04}.png")
    return root


@pytest.fixture
def batches(tmp_path):
    """A small original release: the labels go round."""
    root = tmp_path / "data" / "cifar-10-batches-py"
    root.mkdir(parents=True)
    for names, count in ((Cifar10.batches["train"], 10), (Cifar10.batches["test"], 20)):
        for name in names:
            labels = [number % 10 for number in range(count)]
            data = np.repeat(np.array(labels, np.uint8)[:, None], 3072, axis=1)
            (root / name).write_bytes(pickle.dumps({"data": data, "labels": labels}, 2))
    return root


@pytest.mark.parametrize("up", [0, 1])
def test_picture_files_are_found_and_read(pictures, up):
    data = Cifar10(folder=(pictures, *pictures.parents)[up])
    assert data.form == "folder"
    for split, count in PER_CLASS.items():
        read = data.load(split)
        np.testing.assert_array_equal(read.labels, np.repeat(np.arange(10), count))
        np.testing.assert_array_equal(read.images[:, 1, 5, 7], 20 * read.labels + np.tile(np.arange(count), 10))
        assert read.boxes is None
        assert read.masks is None


@pytest.mark.parametrize("up", [0, 1])
def test_the_original_release_is_found_and_read(batches, up):
    data = Cifar10(folder=(batches, *batches.parents)[up])
    assert data.form == "original"
    for split, count in PER_CLASS.items():
        read = data.load(split)
        assert read.images.shape == (10 * count, 3, 32, 32)
        np.testing.assert_array_equal(read.labels, np.tile(np.arange(10), count))
        np.testing.assert_array_equal(read.images[:, 2, 31, 0], read.labels)


def test_the_original_release_is_found_inside_cifar10_and_goes_first(pictures, batches):
    shutil.move(batches, pictures)
    assert Cifar10(folder=pictures.parent).form == "original"
    assert Cifar10(folder=pictures).form == "original"


def test_the_fingerprint_knows_names_sizes_and_form_but_no_path(pictures, batches, tmp_path):
    identity = Cifar10(folder=pictures).identity()
    moved = tmp_path / "elsewhere" / "cifar10"
    shutil.copytree(pictures, moved)
    assert Cifar10(folder=moved.parent).identity() == identity
    assert Cifar10(folder=batches).identity() != identity
    picture = moved / "test" / "cat" / "0001.png"
    picture.rename(picture.with_name("9999.png"))
    renamed = Cifar10(folder=moved).identity()
    with picture.with_name("9999.png").open("ab") as file:
        file.write(b"\0")
    assert len({str(one) for one in (identity, renamed, Cifar10(folder=moved).identity())}) == 3


def refused(match, *, side=None, folder=None):
    with pytest.raises(PeepholeError, match=match) as error:
        Cifar10(side=side, folder=folder)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_nothing_to_look_in():
    message = refused("no folder to look for CIFAR-10 in")
    assert "--data DIR" in message
    assert "PEEPHOLE_DATA" in message


def test_an_empty_folder(tmp_path):
    assert "--data DIR" in refused("found nothing; expected cifar-10-batches-py/ .* or cifar10/", folder=tmp_path)


def test_no_such_folder(tmp_path):
    refused("found no such folder", folder=tmp_path / "nowhere")


def test_a_file_instead_of_a_folder(tmp_path):
    (tmp_path / "cifar10.tar").touch()
    refused("found no such folder", folder=tmp_path / "cifar10.tar")


def test_something_else(tmp_path):
    for name in "fedcba":
        (tmp_path / name).mkdir()
    refused("found a, b, c, d, e; expected", folder=tmp_path)


def test_a_missing_class(pictures):
    shutil.rmtree(pictures / "train" / "bird")
    refused(r"incomplete: found no train/bird, expected 5 pictures in it; unpack it again", folder=pictures)


def test_a_missing_split(pictures):
    shutil.rmtree(pictures / "test")
    refused("found no test/airplane.*; found no test/automobile.*; and 7 more", folder=pictures)


def test_a_class_too_many(pictures):
    (pictures / "train" / "lobster").mkdir()
    refused("found a class train/lobster, which CIFAR-10 does not have", folder=pictures)


@pytest.mark.parametrize("change", [-1, 1])
def test_a_wrong_number_of_pictures(pictures, change):
    picture = pictures / "test" / "ship" / "0001.png"
    picture.unlink() if change < 0 else shutil.copy(picture, picture.with_name("9.png"))
    refused(f"found {2 + change} pictures in test/ship, expected 2", folder=pictures)


def test_a_missing_batch(batches):
    (batches / "data_batch_3").unlink()
    refused("incomplete: found no data_batch_3; unpack", folder=batches)


def test_labels_that_are_not_balanced(batches):
    content = pickle.loads((batches / "test_batch").read_bytes())
    for wrong in ([0] * 20, [-1] * 20, [10, *range(1, 10)] * 2):
        (batches / "test_batch").write_bytes(pickle.dumps({**content, "labels": wrong}, 2))
        with pytest.raises(
            PeepholeError, match=r"test labels .* are not CIFAR-10's: found .*; expected 2 in each of 10"
        ):
            Cifar10(folder=batches).load("test")


def test_a_truncated_picture(pictures):
    picture = pictures / "train" / "dog" / "0003.png"
    picture.write_bytes(picture.read_bytes()[:60])
    with pytest.raises(PeepholeError, match=r"dog/0003\.png cannot be read"):
        Cifar10(folder=pictures).load("train")


def test_another_side(pictures):
    refused("have side 32, not 64", side=64, folder=pictures)
    assert Cifar10(side=32, folder=pictures).side == 32


def test_the_whole_release_has_sixty_thousand_pictures(monkeypatch):
    monkeypatch.undo()
    assert {split: 10 * count for split, count in Cifar10.per_class.items()} == {"train": 50_000, "test": 10_000}
