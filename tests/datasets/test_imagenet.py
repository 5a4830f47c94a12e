import os
import shutil

import numpy as np
import pytest
from PIL import Image

from peephole.datasets.digest import content_digest
from peephole.datasets.imagenet import Imagenet
from peephole.datasets.picture_files import PictureFiles
from peephole.errors import PeepholeError

CLASSES = ("n01440764", "n01443537", "n02105855")
COUNTS = {"train": 3, "val": 2}
SOURCE = "imagenet/val"
VOC = (
    "<annotation><size><width>40</width><height>30</height></size><object><name>n01443537</name><bndbox>"
    "<xmin>0</xmin><ymin>0</ymin><xmax>39</xmax><ymax>14</ymax></bndbox></object></annotation>"
)


@pytest.fixture(autouse=True)
def _few_classes(monkeypatch):
    monkeypatch.setattr(Imagenet, "class_count", len(CLASSES))


def make(root, splits=("train", "val")):
    """A picture's colour is its class and number."""
    for split in splits:
        for label, name in enumerate(CLASSES):
            (root / split / name).mkdir(parents=True)
            for number in range(COUNTS[split]):
                colour = (60 * label + 10 * number, 100, 200 if split == "val" else 0)
                Image.new("RGB", (40, 30), colour).save(root / split / name / f"{split}_{label}{number}.JPEG")


@pytest.fixture
def data(tmp_path):
    make(tmp_path / "data" / "imagenet")
    return tmp_path / "data"


def refused(match, call, *args, **options):
    with pytest.raises(PeepholeError, match=match) as error:
        call(*args, **options)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("below", ["imagenet", ".", "ILSVRC/Data/CLS-LOC", "imagenet/ILSVRC/Data/CLS-LOC"])
def test_every_layout_is_found_and_is_the_same_data_set(data, tmp_path, below):
    make(tmp_path / "other" / below)
    dataset, expected = Imagenet(folder=tmp_path / "other"), Imagenet(folder=data)
    assert dataset.identity() == expected.identity()
    assert content_digest(dataset.load("test")) == content_digest(expected.load("test"))


def test_pictures_are_cropped_and_sorted(data):
    dataset = Imagenet(folder=data)
    assert (dataset.side, dataset.classes) == (224, CLASSES)
    for split, name in (("train", "train"), ("test", "val")):
        pictures = dataset.load(split)
        assert pictures.images.shape == (3 * COUNTS[name], 3, 224, 224)
        np.testing.assert_array_equal(pictures.labels, np.repeat(range(3), COUNTS[name]))
        colours = 60 * pictures.labels + 10 * np.tile(range(COUNTS[name]), 3)
        assert np.abs(pictures.images[:, 0, 100, 100].astype(int) - colours).max() <= 3
        assert pictures.boxes is None
        assert pictures.masks is None


def test_another_side(data):
    dataset = Imagenet(side=32, folder=data)
    assert dataset.load("test").images.shape == (6, 3, 32, 32)
    assert dataset.identity()["fit"] == "shorter side 37 bilinear, centre 32"
    assert dataset.identity() != Imagenet(folder=data).identity()
    refused("cannot be cropped to side 15; expected at least 16; choose", Imagenet, side=15, folder=data)


def test_a_large_split_stays_in_its_files(data):
    decoded, lazy = Imagenet(side=32, folder=data), Imagenet(side=32, folder=data, in_memory=6 * 3 * 32 * 32)
    assert isinstance(decoded.load("train").images, np.ndarray)
    assert isinstance(lazy.load("test").images, np.ndarray)
    assert isinstance(lazy.load("train").images, PictureFiles)
    np.testing.assert_array_equal(lazy.load("train").images[:], decoded.load("train").images)
    assert lazy.identity() == decoded.identity()


def test_without_train_the_test_split_is_there(data):
    shutil.rmtree(data / "imagenet" / "train")
    dataset = Imagenet(folder=data)
    assert dataset.identity()["train_count"] == 0
    assert dataset.identity()["test_count"] == len(dataset.load("test").labels) == 6
    refused(r"no pictures to train with: looked for .*imagenet/train; expected .*; unpack", dataset.load, "train")


def test_train_is_listed_only_when_it_is_asked_for(data, monkeypatch):
    listed = []
    scandir = os.scandir

    def noting(path):
        listed.append(str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", noting)
    dataset = Imagenet(folder=data)
    dataset.load("test")
    assert len(listed) >= len(CLASSES)
    assert not any("/train/" in path for path in listed)
    dataset.identity()
    dataset.load("train")
    once = [path for path in listed if "/train/" in path]
    assert len(once) == len(set(once)) == len(CLASSES)


@pytest.mark.parametrize(
    "place",
    [
        *("Annotations/CLS-LOC/val", "ILSVRC/Annotations/CLS-LOC/val"),
        *("Annotations/val", "val", "Annotations/CLS-LOC/val/n01443537"),
    ],
)
def test_boxes_come_from_annotations(data, place):
    (data / "imagenet" / place).mkdir(parents=True, exist_ok=True)
    (data / "imagenet" / place / "val_11.xml").write_text(VOC)
    boxes = Imagenet(side=224, folder=data).load("test").boxes
    # 40x30 becomes 341x256; 58 columns to the left and 16 rows above are cropped; the box ends at row 128.
    assert boxes.tolist() == [[0] * 4] * 3 + [[0, 0, 224, 112]] + [[0] * 4] * 2


def test_the_fingerprint_knows_names_and_sizes_but_no_path(data, tmp_path):
    identity = Imagenet(folder=data).identity()
    shutil.move(data, tmp_path / "moved")
    assert Imagenet(folder=tmp_path / "moved").identity() == identity
    picture = tmp_path / "moved" / "imagenet" / "train" / CLASSES[0] / "train_00.JPEG"
    picture.rename(picture.with_name("a.JPEG"))
    renamed = Imagenet(folder=tmp_path / "moved").identity()
    with picture.with_name("a.JPEG").open("ab") as file:
        file.write(b"\0")
    assert len({str(one) for one in (identity, renamed, Imagenet(folder=tmp_path / "moved").identity())}) == 3


@pytest.fixture
def flat(data):
    """As Kaggle packs it."""
    val = data / "imagenet" / "val"
    rows = ["ImageId,PredictionString"]
    for picture in sorted(val.glob("*/*")):
        rows.append(f"{picture.stem},{picture.parent.name} 1 2 3 4 {picture.parent.name} 5 6 7 8 ")
        picture.rename(val / picture.name)
    for name in CLASSES:
        (val / name).rmdir()
    (data / "imagenet" / "LOC_val_solution.csv").write_text("\n".join(rows) + "\n")
    return data


def test_a_flat_val_with_its_table_is_the_same_data_set(flat, tmp_path):
    make(tmp_path / "sorted" / "imagenet")
    for in_memory in (0, float("inf")):
        dataset = Imagenet(side=32, folder=flat, in_memory=in_memory)
        expected = Imagenet(side=32, folder=tmp_path / "sorted", in_memory=in_memory)
        assert dataset.identity() == expected.identity()
        assert content_digest(dataset.load("test")) == content_digest(expected.load("test"))


def test_a_flat_val_without_its_table_says_what_to_do(flat):
    (flat / "imagenet" / "LOC_val_solution.csv").unlink()
    refused(
        r"not in folders of their classes; expected .*; put the table there, or move each picture into a folder",
        Imagenet,
        folder=flat,
    )


@pytest.mark.parametrize(
    "text", ["", "a,b\n1,2\n", "ImageId,PredictionString\nval_00\n", "ImageId,PredictionString\na,\n"]
)
def test_a_broken_table(flat, text):
    (flat / "imagenet" / "LOC_val_solution.csv").write_text(text)
    refused(r"(LOC_val_solution\.csv cannot be read|no class for .*val_00\.JPEG)", Imagenet, folder=flat)


def test_nothing_there(tmp_path):
    refused("no folder to look for ImageNet in; expected imagenet/.*--data DIR or PEEPHOLE_DATA", Imagenet)
    refused("found no such folder; expected", Imagenet, folder=tmp_path / "nowhere")
    refused(r"found nothing; expected imagenet/\{train,val\}", Imagenet, folder=tmp_path)
    (tmp_path / "cifar10").mkdir()
    refused("found cifar10; expected", Imagenet, folder=tmp_path)
    (tmp_path / "val").mkdir()
    refused("incomplete: found 0 classes in val, expected 3; unpack it again, or give", Imagenet, folder=tmp_path)


def test_a_missing_or_an_empty_class(data):
    odd = data / "imagenet" / "train" / CLASSES[1]
    shutil.rmtree(odd)
    refused("found no class n01443537 in train; expected the same 3", Imagenet(folder=data).identity)
    refused("found no class n01443537 in train; expected the same 3", Imagenet(folder=data).load, "train")
    odd.mkdir()
    refused("found no picture in train/n01443537; expected at least one", Imagenet(folder=data).load, "train")
    (odd.parent / "n9").mkdir()
    refused("found no class n9 in val; expected the same 3", Imagenet(folder=data).load, "train")
    for picture in (data / SOURCE / CLASSES[2]).iterdir():
        picture.unlink()
    refused("found no picture in val/n02105855; expected at least one", Imagenet, folder=data)
    (data / SOURCE / CLASSES[2]).rmdir()
    refused("incomplete: found 2 classes in val, expected 3", Imagenet, folder=data)


def test_a_damaged_picture_is_named_when_it_is_read(data):
    picture = data / SOURCE / CLASSES[1] / "val_11.JPEG"
    picture.write_bytes(picture.read_bytes()[:-40])
    refused(r"val_11\.JPEG cannot be read", Imagenet(folder=data).load, "test")
    lazy = Imagenet(folder=data, in_memory=0).load("test").images
    assert lazy[[0, 1, 2, 4, 5]].shape == (5, 3, 224, 224)
    refused(r"val_11\.JPEG cannot be read", lazy.__getitem__, 3)


def test_the_real_one_has_a_thousand_classes(monkeypatch):
    monkeypatch.undo()
    assert Imagenet.class_count == 1000
