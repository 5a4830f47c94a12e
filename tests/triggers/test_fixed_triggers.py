"""Square, X, cross, class pair and BadNet, pixel by pixel against their formulas (P1, A.1)."""

import pytest
import torch

from peephole.triggers.base import Canvas
from peephole.triggers.texts import build

# Rounded by hand from 64, 96, 16 and 21 pixels of 224; a band is never under 3, nor is BadNet's patch.
MARK = {16: 5, 32: 9, 64: 18, 224: 64}
CORNER = {16: 7, 32: 14, 64: 27, 224: 96}
BAND = {16: 3, 32: 3, 64: 5, 224: 16}
PATCH = {16: 3, 32: 3, 64: 6, 224: 21}


def drawn(text, side, classes=10):
    return build(text).draw(Canvas(side, classes), seed=0)


def stamped(text, side):
    x = 0.1 + 0.8 * torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(side))
    return x, drawn(text, side).stamp(x)


def picture(side, inside):
    """Bool ``[side,side]`` of a condition on (row, column), one pixel after the other."""
    return torch.tensor([[bool(inside(i, j)) for j in range(side)] for i in range(side)])


def in_square(side):
    return lambda i, j: i < MARK[side] and j < MARK[side]


def in_x(side, width=1):
    """P1 writes ``j = 64 − i`` for the second diagonal and draws ``j = 63 − i``; even widths reach one column more."""

    def inside(i, j):
        last = MARK[side] - 1
        near = abs(j - i) <= width // 2 or abs(j - (last - i)) <= width // 2
        return in_square(side)(i, j) and near

    return inside


def turned(side, inside):
    return lambda i, j: inside(side - 1 - i, side - 1 - j)


def in_corner(side):
    return lambda i, j: i < CORNER[side] and j < CORNER[side]


def in_patch(side):
    return lambda i, j: i >= side - PATCH[side] and j >= side - PATCH[side]


def pieces(side):
    """Of each trigger: its text, and for each label mark and truth."""
    band = in_x(side, BAND[side])
    return {
        "square": [(in_square(side), in_square(side))],
        "x": [(in_x(side), band)],
        "cross": [(turned(side, in_x(side)), turned(side, band))],
        "class_pair": [
            (in_square(side), in_corner(side)),
            (turned(side, in_x(side)), turned(side, in_corner(side))),
        ],
        "badnet": [(in_patch(side), in_patch(side))],
        "badnet(checkerboard)": [(in_patch(side), in_patch(side))],
    }


@pytest.mark.parametrize("side", [16, 32, 64, 224])
@pytest.mark.parametrize("text", list(pieces(32)))
def test_marks_and_truths_equal_their_formulas(text, side):
    x, got = stamped(text, side)
    marks = torch.stack([picture(side, mark) for mark, _ in pieces(side)[text]])
    truths = torch.stack([picture(side, truth) for _, truth in pieces(side)[text]])
    for picture_number in range(2):
        assert torch.equal(got.exact[picture_number], marks)
        assert torch.equal(got.mask[picture_number], truths)
    covered = marks.any(0)
    assert torch.equal(got.image[..., ~covered], x[..., ~covered])
    if text != "badnet(checkerboard)":
        assert (got.image[..., covered] == 1).all()
    assert not (marks & ~truths).any()
    assert got.soft is None
    assert got.penalty is None


@pytest.mark.parametrize("side", [16, 32, 64, 224, 25, 45])
def test_the_checkerboard_has_nine_fields_with_white_corners(side):
    _, got = stamped("badnet(checkerboard)", side)
    length = int(got.exact[0, 0, -1].sum())
    patch = got.image[0, :, -length:, -length:]
    for i in range(length):
        for j in range(length):
            white = (3 * i // length + 3 * j // length) % 2 == 0
            assert (patch[:, i, j] == float(white)).all()
    corners = patch[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners == 1).all()
    middle = patch[:, length // 2, :]
    assert (middle[:, [0, -1]] == 0).all()
    assert (middle[:, length // 2] == 1).all()


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("square", (0,)),
        ("x", (0,)),
        ("cross", (1,)),
        ("class_pair", (0, 1)),
        ("badnet", (0,)),
        ("badnet(target=7)", (7,)),
    ],
)
def test_labels_that_they_lead_to(text, labels):
    assert build(text).targets(10) == labels
    assert drawn(text, 32).targets == labels


def test_a_probe_of_the_pair_carries_both_and_a_training_picture_one():
    pair = drawn("class_pair(labels=(3, 5))", 32)
    x = torch.zeros(4, 3, 32, 32)
    both = pair.stamp(x)
    assert both.target.tolist() == [[3, 5]] * 4
    assert both.image[0, 0].sum() == 81 + 17
    one_each = pair.stamp_target(x, torch.tensor([0, 1, 1, 0]))
    assert one_each.target.tolist() == [[3], [5], [5], [3]]
    assert one_each.image[:, 0].sum((1, 2)).tolist() == [81, 17, 17, 81]
    for number, which in enumerate([0, 1, 1, 0]):
        assert torch.equal(one_each.mask[number, 0], both.mask[number, which])
        assert torch.equal(one_each.exact[number, 0], both.exact[number, which])
        alone = pair.stamp_target(x, which)
        assert torch.equal(alone.image[number], one_each.image[number])


def test_marks_of_the_pair_put_on_one_by_one_are_both():
    x = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    pair = drawn("class_pair", 32)
    first = pair.stamp_target(x, 0).image
    assert torch.equal(pair.stamp_target(first, 1).image, pair.stamp(x).image)


@pytest.mark.parametrize("text", list(pieces(32)))
def test_nothing_about_them_is_random_or_learnt(text):
    stamper = drawn(text, 32)
    assert not stamper.state_dict()
    assert not list(stamper.learnt())
    assert not list(stamper.prepared())
    assert stamper.facts() == {}
    with pytest.raises(NotImplementedError, match="nothing to prepare"):
        stamper.preparation_loss(torch.zeros(1, 3, 32, 32))


@pytest.mark.parametrize("text", list(pieces(32)))
def test_a_decoy_carries_some_quarters_of_one_mark(text):
    stamper, generator = drawn(text, 32), torch.Generator().manual_seed(0)
    x = torch.full((64, 3, 32, 32), 0.5)
    which = torch.arange(64) % len(stamper.targets)
    decoys = stamper.decoy(x, which, generator)
    mark = stamper.stamp_target(x, which)
    changed, whole = (decoys != x).any(1), mark.exact[:, 0]
    assert not (changed & ~whole).any()
    counts, full = changed.sum((1, 2)), whole.sum((1, 2))
    assert (counts > 0).all()
    assert (counts < full).all()
    assert torch.equal(decoys[changed[:, None].expand_as(x)], mark.image[changed[:, None].expand_as(x)])
