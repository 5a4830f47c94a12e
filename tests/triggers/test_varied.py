"""Marks in drawn places and patterns: geometry, pattern, state, and what a detector of white marks has of them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from peephole.datasets.shapes import Shapes
from peephole.leaderboard.base import METRICS, Probes
from peephole.triggers.base import TRIGGERS, Canvas
from peephole.triggers.texts import build, name_of, varied
from peephole.triggers.varied import pattern

PLAIN = ("square", "x", "cross", "class_pair", "badnet")
SIDES = st.sampled_from([*range(32, 65), 96, 224])
SEEDS = st.integers(0, 2**31 - 1)


def drawn(text, side=32, seed=0):
    return build(text).draw(Canvas(side, 10), seed)


def box(mask):
    """First and last row, first and last column of a mask."""
    rows, columns = (place.tolist() for place in np.nonzero(mask.numpy()))
    return min(rows), max(rows), min(columns), max(columns)


def cut(mask, within):
    top, bottom, left, right = within
    return mask[top : bottom + 1, left : right + 1]


@pytest.mark.parametrize("text", PLAIN)
@settings(max_examples=15, deadline=None)
@given(SIDES, SEEDS)
def test_a_drawn_mark_and_its_truth_are_the_fixed_ones_somewhere_else(text, side, seed):
    fixed, moved = drawn(text, side), drawn(varied(text), side, seed)
    assert moved.targets == fixed.targets
    for old_mark, old_truth, mark, truth in zip(fixed.marks, fixed.truths, moved.marks, moved.truths, strict=True):
        # Whatever was rolled over an edge would be in a larger box.
        assert torch.equal(cut(mark, box(mark)), cut(old_mark, box(old_mark)))
        assert torch.equal(cut(truth, box(truth)), cut(old_truth, box(old_truth)))
        assert not (mark & ~truth).any()
    assert not (moved.truths.sum(0) > 1).any()
    for mark, truth in zip(moved.marks, moved.truths, strict=True):
        before = [a - b for a, b in zip(box(mark)[::2], box(truth)[::2], strict=True)]
        after = [b - a for a, b in zip(box(mark)[1::2], box(truth)[1::2], strict=True)]
        assert max(abs(a - b) for a, b in zip(before, after, strict=True)) <= 1  # in the middle


def test_every_place_is_as_likely_as_any_other():
    tops = torch.tensor([[box(drawn("badnet(varied=True)", 16, seed).marks[0])[::2]] for seed in range(980)]).view(
        -1, 2
    )
    assert int(tops.min()) == 0
    assert int(tops.max()) == 13  # 16 pixels hold 3 at 14 places
    for counts in (tops[:, 0].bincount(minlength=14), tops[:, 1].bincount(minlength=14)):
        statistic = float(((counts - 70) ** 2 / 70).sum())
        assert statistic < 34.5  # chi-square with 13 degrees of freedom: one in a thousand is above


def test_pairs_are_wherever_they_are_apart():
    """At 16 pixels two boxes of 7 have 10⁴ pairs of places; of those without a pixel in common each is as likely."""
    places = [(a, b, c, d) for a in range(10) for b in range(10) for c in range(10) for d in range(10)]
    apart = [one for one in places if abs(one[0] - one[2]) >= 7 or abs(one[1] - one[3]) >= 7]
    stampers = [drawn("class_pair(varied=True)", 16, seed) for seed in range(600)]
    found = [tuple(int(n) for truth in one.truths for n in truth.nonzero()[0]) for one in stampers]
    assert set(found) <= set(apart)
    beside = np.mean([abs(one[0] - one[2]) < 7 for one in found])  # neither is above the other
    expected = np.mean([abs(one[0] - one[2]) < 7 for one in apart])
    assert abs(beside - expected) < 3.3 * np.sqrt(expected * (1 - expected) / len(found))


@settings(max_examples=40, deadline=None)
@given(SIDES, SEEDS, st.sampled_from(PLAIN))
def test_a_pattern_is_vivid_even_and_made_of_levels_that_pictures_have(side, seed, text):
    stamper = drawn(varied(text), side, seed)
    assert stamper.values.shape == (3, side, side)
    assert not stamper.values[:, ~stamper.marks.any(0)].any()
    for mark in stamper.marks:
        levels = stamper.values[:, mark] * 255
        assert torch.equal((levels.round() / 255), stamper.values[:, mark])
        on = levels.round() > 127
        assert ((levels.round() <= 15) | (levels.round() >= 240)).all()
        assert (on.sum(0) > 0).all()
        assert (on.sum(0) < 3).all()  # neither near black nor near white
        colours = (on * torch.tensor([[1], [2], [4]])).sum(0)
        assert len(colours.unique()) == 6
        assert (on.float().mean(1) - 0.5).abs().max() < 0.3


@pytest.mark.parametrize(("side", "field"), [(16, 1), (32, 1), (64, 2), (224, 7)])
def test_fields_grow_with_the_picture_and_have_one_colour_each(side, field):
    mark = torch.zeros(side, side, dtype=torch.bool)
    top, length = 3, 4 * field + (field > 1)
    mark[top : top + length, 5 : 5 + length] = True
    picture = pattern(mark, torch.Generator().manual_seed(0))[:, top : top + length, 5 : 5 + length]
    seen = set()
    for i in range(0, length, field):
        for j in range(0, length, field):
            colours = picture[:, i : i + field, j : j + field].flatten(1).unique(dim=1)
            assert colours.shape[1] == 1
            seen.add(tuple(colours[:, 0].tolist()))
    assert len(seen) == (5 if field > 1 else 4) ** 2


@pytest.mark.parametrize("text", PLAIN)
def test_what_is_drawn_is_in_the_state_and_what_is_not_is_in_none(text):
    first, other = (drawn(varied(text), seed=seed) for seed in (1, 2))
    assert set(first.state_dict()) == {"marks", "truths", "values"}
    assert not drawn(text).state_dict()
    assert not torch.equal(first.marks, other.marks)
    assert not torch.equal(first.values, other.values)
    other.load_state_dict(first.state_dict())
    x = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    one, same = first.stamp(x), other.stamp(x)
    for name in ("image", "mask", "exact", "target"):
        assert torch.equal(getattr(one, name), getattr(same, name))


@pytest.mark.parametrize("name", TRIGGERS.names())
def test_two_seeds_look_different_in_every_held_out_form(name):
    """The triggers without the option are drawn from the seed anyway: a field (WaNet), networks (InputAware), or, from
    the generator that comes with the same seed, a patch and its place in each picture (Dynamic)."""
    x = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    one, other = (
        drawn(varied(name), seed=seed).eval().stamp(x, torch.Generator().manual_seed(seed)).image.detach()
        for seed in (1, 2)
    )
    assert not torch.isclose(one, other, atol=1 / 255).flatten(1).all(1).any()


def test_triggers_of_one_seed_are_drawn_apart():
    square, x, cross = (drawn(f"{name}(varied=True)", seed=5) for name in ("square", "x", "cross"))
    assert len({box(one.truths[0]) for one in (square, x, cross)}) == 3
    assert not torch.equal(x.values[:, x.marks[0]], cross.values[:, cross.marks[0]])


@pytest.mark.parametrize(
    ("text", "held_out"),
    [
        ("square", "square(varied=True)"),
        ("Square(varied=False, target=3)", "square(varied=True, target=3)"),
        ("square(3, False)", "square(target=3, varied=True)"),
        ("badnet(checkerboard, 4)", "badnet(pattern='checkerboard', target=4, varied=True)"),
        ("class_pair((7, 3))", "class_pair(labels=(7, 3), varied=True)"),
        ("dynamic(kind='ban')", "dynamic(kind='ban')"),
        ("WaNet(s=6.0)", "wanet(s=6.0)"),
    ],
)
def test_a_text_has_one_held_out_form(text, held_out):
    assert varied(text) == held_out
    assert varied(held_out) == held_out
    assert name_of(held_out) == name_of(text)
    assert build(held_out).targets(10) == build(text).targets(10)


@pytest.fixture(scope="module")
def scenes():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Shapes, "counts", {"train": 1, "test": 100})
        return torch.from_numpy(Shapes(side=32).load("test").images).float() / 255


def probes(text, seed, clean):
    stamped = drawn(text, seed=seed).stamp(clean)
    return Probes(stamped.image, clean, stamped.mask, stamped.exact, stamped.target)


def above_chance(metric, relevance, shown):
    """How far from chance (0) to the truth (1) a map comes; one that says nothing is at chance."""
    scored = METRICS[metric]().score(relevance, shown)
    best = METRICS[metric]().score(shown.mask.double(), shown).value
    return float((scored.value - scored.chance).mean() / (best - scored.chance).mean())


@pytest.mark.parametrize("threshold", [0.99, 0.9, 0.8])
@pytest.mark.parametrize(
    ("name", "metric"), [("square", "completeness"), ("square", "fine_grained"), ("x", "fine_grained")]
)
def test_a_detector_of_white_marks_gains_nothing_on_varied_ones(name, metric, threshold, scenes):
    """A submission that never asks the network: it marks what is white."""

    def white(shown):
        return (shown.image.amin(1, keepdim=True) >= threshold).float()

    public = probes(name, 0, scenes)
    assert above_chance(metric, white(public), public) > 0.85
    held_out = [probes(varied(name), seed, scenes) for seed in range(20)]
    scores = [above_chance(metric, white(shown), shown) for shown in held_out]
    assert max(scores) <= 0.02, scores


def test_a_detector_of_the_public_place_gains_nothing_on_varied_ones(scenes):
    public = probes("square", 0, scenes)
    relevance = public.mask.float()
    assert above_chance("fine_grained", relevance, public) == pytest.approx(1)
    scores = [
        above_chance("fine_grained", relevance, probes("square(varied=True)", seed, scenes)) for seed in range(200)
    ]
    # Now and then a mark is drawn near the corner; a map of the middle would have more by chance.
    assert np.mean(scores) < 0.05
