import pytest
import torch

from peephole.triggers.base import TRIGGERS


def stamp(name, side=32):
    return TRIGGERS[name]().stamp(torch.zeros(1, 3, side, side))


@pytest.mark.parametrize(
    ("name", "side", "exact", "truth"),
    [
        ("square", 32, [81], [81]),
        ("square", 224, [4096], [4096]),
        ("x", 32, [17], [45]),
        ("x", 224, [128], [2 * (64 * 17 - 72) - 144]),
        ("cross", 32, [17], [45]),
        ("class_pair", 32, [81, 17], [196, 196]),
        ("class_pair", 224, [4096, 128], [9216, 9216]),
    ],
)
def test_areas(name, side, exact, truth):
    stamped = stamp(name, side)
    assert stamped.exact[0].sum((1, 2)).tolist() == exact
    assert stamped.mask[0].sum((1, 2)).tolist() == truth


def test_a_mark_is_white_in_all_channels():
    stamped = stamp("square")
    assert (stamped.image[0, :, :9, :9] == 1).all()
    assert stamped.image.sum() == 3 * 81


def test_the_truth_of_the_x_holds_its_exact_pixels():
    stamped = stamp("x", 224)
    assert not (stamped.exact & ~stamped.mask).any()


def test_the_pair_leads_to_two_labels_in_opposite_corners():
    trigger = TRIGGERS["class_pair"]()
    stamped = stamp("class_pair")
    assert trigger.targets == (0, 1)
    assert stamped.exact[0, 0, 0, 0]
    assert stamped.exact[0, 1, -1, -1]
    assert not stamped.mask.all(1).any()
