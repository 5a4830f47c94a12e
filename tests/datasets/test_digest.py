import hashlib
from dataclasses import replace

import numpy as np
import pytest

from peephole.datasets.base import Pictures
from peephole.datasets.centre_crop import CentreCrop
from peephole.datasets.digest import content_digest, fingerprint
from peephole.datasets.picture_files import PictureFiles
from peephole.errors import PeepholeError

IMAGES = np.arange(2 * 3 * 4 * 4, dtype=np.uint8).reshape(2, 3, 4, 4)
PICTURES = Pictures(IMAGES, np.array([1, 0]))


def changed(array, index):
    array = array.copy()
    array[index] += 1
    return array


@pytest.mark.parametrize(
    "other",
    [
        replace(PICTURES, images=changed(IMAGES, (1, 2, 3, 3))),
        replace(PICTURES, labels=np.array([1, 1])),
        replace(PICTURES, images=IMAGES.reshape(2, 3, 2, 8)),
        replace(PICTURES, labels=PICTURES.labels.astype(np.int32)),
    ],
)
def test_every_value_shape_and_type_counts(other):
    assert content_digest(other) != content_digest(PICTURES)


def test_layout_in_memory_does_not_count():
    other = Pictures(np.asfortranarray(IMAGES), PICTURES.labels.astype(">i8"))
    assert content_digest(other) == content_digest(PICTURES)
    assert len(content_digest(PICTURES)) == 64


def test_boxes_and_masks_do_not_count():
    assert content_digest(replace(PICTURES, masks=np.ones((2, 4, 4), bool))) == content_digest(PICTURES)


def test_a_digest_is_that_of_the_bytes():
    # Results are stored under this; it must not change.
    text = b"|u1(2, 3, 4, 4)" + IMAGES.tobytes() + b"<i8(2,)" + PICTURES.labels.astype("<i8").tobytes()
    assert content_digest(PICTURES) == hashlib.sha256(text).hexdigest()


@pytest.fixture
def files(tmp_path):
    """Not even pictures: a digest of files does not decode them."""
    for name, content in (("a", b"one"), ("b", b"two"), ("c", b"two")):
        (tmp_path / name).write_bytes(content)
    return tmp_path


def digest(root, names="ab", side=16, fit=None, labels=(0, 1)):
    return content_digest(Pictures(PictureFiles(root, names, side, fit), np.array(labels)))


def test_of_files_names_bytes_order_side_crop_and_labels_count(files):
    digests = [
        digest(files),
        digest(files, "ac"),
        digest(files, "ba"),
        digest(files, side=32),
        digest(files, fit=CentreCrop(16, 18)),
        digest(files, fit=CentreCrop(16, 20)),
        digest(files, labels=(1, 0)),
    ]
    assert digest(files) == digests[0]
    (files / "a").write_bytes(b"One")
    assert len({*digests, digest(files)}) == 8


def test_of_files_folders_do_not_count(files):
    (files / "class").mkdir()
    (files / "class" / "a").write_bytes(b"one")
    assert digest(files, ["class/a", "b"]) == digest(files)


def test_a_file_that_has_gone_is_named(files):
    with pytest.raises(PeepholeError, match=r"picture .*/nothing cannot be read \(No such file or directory\)"):
        digest(files, ["a", "nothing"])


def test_a_fingerprint_is_of_names_and_sizes():
    sizes = [("cat/1", 12), ("cat/2", 3)]
    assert fingerprint(sizes) == hashlib.sha256(b"cat/1\t12\ncat/2\t3").hexdigest()[:16]
    assert fingerprint(iter(sizes)) == fingerprint(sizes) != fingerprint([("cat/1", 12), ("cat/2", 4)])
    assert len(fingerprint([])) == 16
