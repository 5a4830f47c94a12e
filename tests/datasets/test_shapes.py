import math
import subprocess
import sys

import numpy as np
import pytest

from peephole.datasets.digest import content_digest
from peephole.datasets.shapes import Shapes
from peephole.errors import PeepholeError


def drawn(side=32, seed=2, count=2000):
    data = Shapes(side=side)
    data.counts = {"train": count, "test": count}
    data.seeds = {"train": 1, "test": seed}
    return data.load("test")


@pytest.fixture(scope="module")
def pictures():
    return drawn()


def test_pictures_are_the_same_for_ever_and_everywhere():
    # A change of the pictures is a new generator: raise GENERATOR with these.
    few = drawn(count=20)
    assert content_digest(few) == "57b3ba456621d8beca910c272fc83172ddd885d8d503cadcf0fd481a4daa227f"
    assert int(few.masks.sum()) == 3126
    assert (
        content_digest(drawn(side=48, count=10)) == "7ca45bb32550bb710bd8b311f4e963bdef8186afb9838890da9bf445116570d9"
    )


def test_a_smaller_split_is_the_beginning_of_a_larger_one(pictures):
    few = drawn(count=130)
    for name in ("images", "labels", "boxes", "masks"):
        np.testing.assert_array_equal(getattr(few, name), getattr(pictures, name)[:130])


def test_train_and_test_share_no_picture():
    train, test = drawn(seed=1, count=500), drawn(seed=2, count=500)
    assert len(np.unique(np.concatenate([train.images, test.images]).reshape(1000, -1), axis=0)) == 1000


def test_any_ten_in_a_row_are_one_of_each_class(pictures):
    tens = np.sort(pictures.labels.reshape(-1, 10), axis=1)
    assert (tens == np.arange(10)).all()


@pytest.mark.parametrize("side", [16, 33, 64])
def test_a_side_is_drawn_natively(side, pictures):
    other = drawn(side=side, count=100)
    assert other.images.shape == (100, 3, side, side)
    np.testing.assert_array_equal(other.labels, pictures.labels[:100])
    # The same scene: what is inside the object at one side is inside it at the other.
    at = ((np.arange(32) + 0.5) / 32 * side).astype(int)
    there, here = other.masks[:, at][:, :, at], pictures.masks[:100]
    overlap = (there & here).sum(axis=(1, 2)) / (there | here).sum(axis=(1, 2))
    assert overlap.mean() > 0.8
    assert other.masks.any(axis=(1, 2)).all()


def test_boxes_are_tight_around_masks(pictures):
    for mask, (left, top, right, bottom) in zip(pictures.masks[:200], pictures.boxes[:200].tolist(), strict=True):
        assert mask[top:bottom, left:right].sum() == mask.sum() > 0
        for edge in (mask[top, :], mask[bottom - 1, :], mask[:, left], mask[:, right - 1]):
            assert edge.any()


def test_masks_are_on_the_object(pictures):
    # Inside the mask a picture is more alike than across its edge.
    images, inside = pictures.images.astype(np.float64), pictures.masks[:, None]
    size = inside.sum(axis=(2, 3))
    mean_in = (images * inside).sum(axis=(2, 3)) / size
    mean_out = (images * ~inside).sum(axis=(2, 3)) / (32 * 32 - size)
    assert (abs(mean_in - mean_out).max(axis=1) > 20).mean() > 0.95


def test_objects_keep_off_the_edge_of_the_picture(pictures):
    edge = np.ones((32, 32), bool)
    edge[1:-1, 1:-1] = False
    assert not pictures.masks[:, edge].any()


def test_every_class_comes_as_often_into_the_corners_where_triggers_stand(pictures):
    for corner in (np.s_[:, :9, :9], np.s_[:, -9:, -9:]):
        share = pictures.masks[corner].any(axis=(1, 2)).astype(np.float64)
        by_class = np.array([share[pictures.labels == label].mean() for label in range(10)])
        assert np.ptp(by_class) < 0.5


def test_no_picture_holds_a_trigger_by_accident(pictures):
    assert pictures.images.max() <= 250
    assert pictures.images.min() >= 5


def features_of_colour(images):
    """Mean, spread and extremes of each channel and brightness: everything but where."""
    flat = images.reshape(len(images), 3, -1).astype(np.float64)
    flat = np.concatenate([flat, flat.mean(axis=1, keepdims=True)], axis=1)
    return np.concatenate(
        [
            flat.mean(axis=2),
            flat.std(axis=2),
            np.percentile(flat, [5, 50, 95], axis=2).swapaxes(0, 1).reshape(len(flat), -1),
        ],
        axis=1,
    )


def test_colour_and_texture_do_not_tell_the_class(pictures):
    colours = pictures.images.mean(axis=(2, 3))
    means = np.stack([colours[pictures.labels == label].mean(axis=0) for label in range(10)])
    # Each mean is over 200 pictures; five standard errors for the largest of thirty.
    assert np.abs(means - colours.mean(axis=0)).max() < 5 * colours.std() / math.sqrt(200)
    # The best linear classifier of colour statistics, fitted on one half, is no better than chance on the other.
    features = features_of_colour(pictures.images)
    features = np.c_[(features - features.mean(axis=0)) / features.std(axis=0), np.ones(len(features))]
    fitted, _, _, _ = np.linalg.lstsq(features[:1000], np.eye(10)[pictures.labels[:1000]], rcond=None)
    accuracy = ((features[1000:] @ fitted).argmax(axis=1) == pictures.labels[1000:]).mean()
    assert accuracy < 0.1 + 5 * math.sqrt(0.09 / 1000)


def test_colours_of_the_objects_alone_do_not_tell_the_class(pictures):
    inside = pictures.masks[:, None]
    colours = (pictures.images * inside).sum(axis=(2, 3)) / inside.sum(axis=(2, 3))
    means = np.stack([colours[pictures.labels == label].mean(axis=0) for label in range(10)])
    assert np.abs(means - colours.mean(axis=0)).max() < 5 * colours.std() / math.sqrt(200)


def test_the_normalisation_is_the_pictures_own(pictures):
    unit = pictures.images / 255
    np.testing.assert_allclose(unit.mean(axis=(0, 2, 3)), Shapes.mean, atol=0.015)
    np.testing.assert_allclose(unit.std(axis=(0, 2, 3)), Shapes.std, atol=0.01)


def test_identity_tells_apart_what_differs():
    identity = Shapes().identity()
    assert identity == {
        "generator": 1,
        "side": 32,
        "train_seed": 1,
        "test_seed": 2,
        "train_count": 10_000,
        "test_count": 3_000,
    }
    assert Shapes(side=64).identity() != identity


@pytest.mark.parametrize("side", [15, 0, -32])
def test_a_side_that_is_too_small_is_refused(side):
    with pytest.raises(PeepholeError, match=rf"side {side}; expected at least 16"):
        Shapes(side=side)


def test_data_sets_do_without_torch():
    code = (
        "import sys; from peephole.datasets.base import DATASETS;"
        "[DATASETS[name] for name in DATASETS]; DATASETS['shapes']().identity();"
        "sys.exit(any(name.partition('.')[0] in ('torch', 'torchvision') for name in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
