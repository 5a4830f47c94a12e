import numpy as np
import pytest
from PIL import Image

from peephole.datasets.annotations import annotated_boxes, read_box
from peephole.datasets.centre_crop import CentreCrop
from peephole.datasets.picture_folder import PictureFolder
from peephole.errors import PeepholeError

CROP = CentreCrop(20, 20)


def annotation(*objects, size=(60, 20)):
    width, height = size
    entries = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{left}</xmin><ymin>{top}</ymin>"
        f"<xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox></object>"
        for name, left, top, right, bottom in objects
    )
    return f"<annotation><size><width>{width}</width><height>{height}</height></size>{entries}</annotation>"


def read(tmp_path, text, kind="cat"):
    path = tmp_path / "a.xml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_box(str(path), kind)


@pytest.fixture
def pictures(tmp_path):
    """Three pictures of 60x20 pixels, of which the crop keeps the middle third."""
    for name in ("ant/1.JPEG", "cat/2.JPEG", "cat/3.JPEG"):
        (tmp_path / "val" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (60, 20)).save(tmp_path / "val" / name)
    return PictureFolder.scan(tmp_path / "val")


def test_the_box_is_around_all_objects_of_the_class(tmp_path):
    text = annotation(("cat", 6, 4, 11, 9), ("dog", 0, 0, 59, 19), ("cat", 30, 2, 35, 7))
    np.testing.assert_allclose(read(tmp_path, text), (6 / 60, 2 / 20, 36 / 60, 10 / 20))
    assert read(tmp_path, text, kind="ant") is None


def test_corners_beyond_the_edge_are_cut_off_and_swapped_ones_sorted(tmp_path):
    assert read(tmp_path, annotation(("cat", 0, 0, 60, 20))) == (0, 0, 1, 1)
    swapped = read(tmp_path, annotation(("cat", 11, 9, 6, 4)))
    assert swapped == read(tmp_path, annotation(("cat", 6, 4, 11, 9)))


def test_a_picture_made_smaller_keeps_its_box(tmp_path):
    large = read(tmp_path, annotation(("cat", 0, 80, 299, 99), size=(600, 200)))
    np.testing.assert_allclose(large, read(tmp_path, annotation(("cat", 0, 8, 29, 9))))


@pytest.mark.parametrize(
    "text",
    [
        *("", "<annotation>", "no XML", annotation(size=(0, 20)), "<annotation/>"),
        *(annotation(("cat", "nan", 0, 1, 1)), annotation(("cat", "inf", 0, 1, 1)), annotation(("cat", "", 0, 1, 1))),
        annotation(("cat", 0, 0, 1, 1)).replace("<ymin>0</ymin>", ""),
        b"\xff\xfe<\0",
    ],
    ids=range(10),
)
def test_a_broken_annotation_is_named_in_one_line(tmp_path, text):
    with pytest.raises(PeepholeError, match=r"a\.xml cannot be read \(.+\); expected PASCAL VOC.*; unpack") as error:
        read(tmp_path, text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused(tmp_path, encoding):
    head = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE bomb [<!ENTITY a "cat"><!ENTITY b "&a;&a;">]>'
    text = head + annotation(("&b;", 0, 0, 1, 1))
    with pytest.raises(PeepholeError, match="a document type, bomb"):
        read(tmp_path, text.encode(encoding))


def test_boxes_are_cropped_as_pictures_are(tmp_path, pictures):
    places = tmp_path / "boxes", tmp_path / "val"
    (tmp_path / "boxes" / "cat").mkdir(parents=True)
    (tmp_path / "boxes" / "cat" / "2.xml").write_text(annotation(("cat", 10, 5, 29, 9)))
    (tmp_path / "boxes" / "3.xml").write_text(annotation(("cat", 0, 0, 5, 5)))
    (tmp_path / "val" / "2.xml").write_text(annotation(("cat", 25, 0, 30, 1)))
    boxes = annotated_boxes(pictures, places, CROP)
    # Not annotated; the first place goes first, and its left is cropped; cropped away.
    assert boxes.tolist() == [[0, 0, 0, 0], [0, 5, 10, 10], [0, 0, 0, 0]]
    assert boxes.dtype == np.int64
    assert annotated_boxes(pictures, places[1:], CROP).tolist()[1] == [5, 0, 11, 2]


def test_without_annotations_there_are_no_boxes(tmp_path, pictures):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "of another picture.xml").write_text(annotation())
    assert annotated_boxes(pictures, (tmp_path / "nowhere", tmp_path / "other"), CROP) is None
