"""What every registered data set promises; one that needs files is given a tiny copy, and asks for them without."""

import time
from functools import partial

import numpy as np
import pytest
from PIL import Image

from peephole.datasets.base import DATASETS
from peephole.datasets.cifar10 import Cifar10
from peephole.datasets.digest import content_digest
from peephole.datasets.imagenet import Imagenet
from peephole.errors import PeepholeError


def needs_files(name):
    try:
        DATASETS[name]()
    except PeepholeError:
        return True
    return False


FREE = [name for name in DATASETS if not needs_files(name)]
BOUND = [name for name in DATASETS if needs_files(name)]


def fill(root, splits, classes, size):
    """Two pictures of noise a class and split; no two are the same."""
    noise = np.random.default_rng(0)
    for split in splits:
        for name in classes:
            (root / split / name).mkdir(parents=True)
            for number in range(2):
                pixels = noise.integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
                Image.fromarray(pixels).save(root / split / name / f"{number}.JPEG")


def tiny_cifar10(root, patch):
    patch.setattr(Cifar10, "per_class", {"train": 2, "test": 2})
    fill(root / "cifar10", ("train", "test"), Cifar10.classes, (32, 32))
    return {}


def tiny_imagenet(root, patch):
    patch.setattr(Imagenet, "class_count", 3)
    fill(root / "imagenet", ("train", "val"), ("n01440764", "n01443537", "n02105855"), (40, 30))
    return {}


def tiny_folder(root, patch):
    fill(root, ("train", "test"), ("ant", "bee"), (40, 30))
    return {"side": 20}


TINY = {"cifar10": tiny_cifar10, "imagenet": tiny_imagenet, "folder": tiny_folder}
"""How a tiny copy of each data set that needs files is made; the options that it needs are returned."""


@pytest.fixture(scope="module", params=DATASETS.names())
def make(request, tmp_path_factory):
    """Makes one data set, again and again."""
    if request.param in FREE:
        yield DATASETS[request.param]
        return
    root = tmp_path_factory.mktemp(request.param)
    with pytest.MonkeyPatch.context() as patch:
        options = TINY[request.param](root, patch)
        yield partial(DATASETS[request.param], **{"folder": root, **options})


@pytest.fixture(scope="module")
def dataset(make):
    return make()


@pytest.fixture(scope="module")
def pictures(dataset):
    return dataset.load("test")


def test_some_data_set_needs_no_files():
    assert "shapes" in FREE


def test_each_of_the_others_takes_part_in_small():
    assert set(TINY) == set(BOUND)


@pytest.mark.parametrize("name", BOUND)
def test_a_data_set_without_its_files_says_how_to_give_them(name, tmp_path):
    for folder in (None, tmp_path):
        with pytest.raises(PeepholeError, match=r"expected .*--data DIR or PEEPHOLE_DATA") as error:
            DATASETS[name](folder=folder)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", DATASETS.names())
def test_it_says_what_it_is(name):
    assert DATASETS[name].title
    assert DATASETS[name].source
    assert DATASETS[name].__doc__


def test_it_describes_itself(dataset):
    assert len(set(dataset.classes)) == len(dataset.classes) > 1
    assert len(dataset.mean) == len(dataset.std) == 3
    assert all(0 < value < 1 for value in (*dataset.mean, *dataset.std))


def test_its_identity_is_quick_plain_and_stable(make, dataset):
    start = time.process_time()
    identity = make().identity()
    assert time.process_time() - start < 0.5
    assert identity == dataset.identity()
    assert identity
    for key, value in identity.items():
        assert isinstance(key, str)
        assert type(value) in (str, int)
        assert "/" not in str(value)


def test_pictures_are_bytes_and_labels_point_at_classes(dataset, pictures):
    count = len(pictures.labels)
    assert pictures.images.shape == (count, 3, dataset.side, dataset.side)
    assert pictures.images.dtype == np.uint8
    assert pictures.images.flags["C_CONTIGUOUS"]
    assert pictures.labels.shape == (count,)
    assert pictures.labels.dtype == np.int64
    assert set(pictures.labels.tolist()) == set(range(len(dataset.classes)))


def test_labels_are_balanced(dataset, pictures):
    counts = np.bincount(pictures.labels)
    assert counts.min() == counts.max()


def test_boxes_are_tight_around_masks(pictures):
    if pictures.masks is None or pictures.boxes is None:
        pytest.skip("no masks or no boxes")
    count, _, height, width = pictures.images.shape
    assert pictures.masks.shape == (count, height, width)
    assert pictures.masks.dtype == np.bool_
    assert pictures.boxes.shape == (count, 4)
    assert pictures.boxes.dtype == np.int64
    left, top, right, bottom = (edge[:, None] for edge in pictures.boxes.T)
    columns, rows = np.arange(width), np.arange(height)
    assert pictures.masks.any(axis=(1, 2)).all()
    # The box is the hull of the rows and columns that hold some of the mask.
    for used, low, high, places in (
        (pictures.masks.any(axis=1), left, right, columns),
        (pictures.masks.any(axis=2), top, bottom, rows),
    ):
        assert not (used & ((places < low) | (places >= high))).any()
        assert np.take_along_axis(used, low, axis=1).all()
        assert np.take_along_axis(used, high - 1, axis=1).all()


def test_loading_twice_gives_the_same(make, pictures):
    assert content_digest(make().load("test")) == content_digest(pictures)


def test_the_splits_differ_and_have_the_size_that_was_promised(dataset, pictures):
    train = dataset.load("train")
    assert dataset.identity()["train_count"] == len(train.labels) > 0
    assert dataset.identity()["test_count"] == len(pictures.labels) > 0
    both = np.concatenate(
        [train.images.reshape(len(train.labels), -1), pictures.images.reshape(len(pictures.labels), -1)]
    )
    hashes = {row.tobytes() for row in both}
    assert len(hashes) == len(both)


def test_the_normalisation_is_that_of_its_pictures(make, dataset, pictures):
    if isinstance(make, partial):
        pytest.skip("a tiny copy has other pictures")
    unit = pictures.images / 255
    np.testing.assert_allclose(unit.mean(axis=(0, 2, 3)), dataset.mean, atol=0.02)
    np.testing.assert_allclose(unit.std(axis=(0, 2, 3)), dataset.std, atol=0.02)


def test_another_side_is_made_or_refused(make, dataset):
    try:
        other = make(side=2 * dataset.side)
    except PeepholeError as error:
        assert str(dataset.side) in str(error)  # noqa: PT017  either is right
    else:
        assert other.side == 2 * dataset.side
        assert other.identity() != dataset.identity()
