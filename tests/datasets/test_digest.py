from dataclasses import replace

import numpy as np
import pytest

from peephole.datasets.base import Pictures
from peephole.datasets.digest import content_digest

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
