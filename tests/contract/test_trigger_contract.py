"""What every registered trigger obeys."""

import pytest
import torch

from peephole.leaderboard.applicability import applicability
from peephole.leaderboard.base import METRICS
from peephole.triggers.base import TRIGGERS

SIDES = (16, 32, 33, 224)


@pytest.fixture(params=list(TRIGGERS))
def trigger(request):
    return TRIGGERS[request.param]()


@pytest.fixture(params=SIDES)
def pictures(request):
    return torch.rand(3, 3, request.param, request.param, generator=torch.Generator().manual_seed(0)) * 0.9


def seeded():
    return torch.Generator().manual_seed(1)


def test_shapes_dtypes_and_ranges(trigger, pictures):
    stamped = trigger.stamp(pictures, seeded())
    truth = (len(pictures), len(trigger.targets), *pictures.shape[-2:])
    assert stamped.image.shape == pictures.shape
    assert stamped.image.dtype == torch.float32
    assert 0 <= stamped.image.min() <= stamped.image.max() <= 1
    assert stamped.mask.shape == stamped.exact.shape == truth
    assert stamped.mask.dtype == stamped.exact.dtype == torch.bool


def test_the_input_is_left_alone_and_a_seed_repeats(trigger, pictures):
    before = pictures.clone()
    first, second = trigger.stamp(pictures, seeded()), trigger.stamp(pictures, seeded())
    assert torch.equal(pictures, before)
    assert torch.equal(first.image, second.image)
    assert torch.equal(first.mask, second.mask)


def test_changes_lie_where_the_truth_says(trigger, pictures):
    stamped = trigger.stamp(pictures, seeded())
    changed = (stamped.image != pictures).any(1)
    assert torch.equal(changed, stamped.exact.any(1))
    assert not (changed & ~stamped.mask.any(1)).any()


def test_every_target_has_a_mark_and_a_truth_that_says_something(trigger, pictures):
    stamped = trigger.stamp(pictures, seeded())
    assert stamped.exact.flatten(2).any(2).all()
    area = stamped.mask.float().mean((2, 3))
    assert (area > 0).all()
    assert (area < 0.5).all()


def test_marks_put_on_one_by_one_are_the_marks_together(trigger, pictures):
    stamped = trigger.stamp(pictures, seeded())
    one_by_one = pictures
    for which in range(len(trigger.targets)):
        alone = trigger.stamp_target(pictures, which, seeded())
        assert torch.equal((alone != pictures).any(1), stamped.exact[:, which])
        one_by_one = trigger.stamp_target(one_by_one, which, seeded())
    assert torch.equal(one_by_one, stamped.image)


def test_a_picture_does_not_depend_on_its_batch_mates(trigger, pictures):
    together = trigger.stamp(pictures, seeded())
    alone = trigger.stamp(pictures[:1], seeded())
    assert torch.equal(together.image[:1], alone.image)
    assert torch.equal(together.mask[:1], alone.mask)


@pytest.mark.parametrize("name", TRIGGERS.names())
def test_some_registered_metric_applies_to_it(name):
    metrics = applicability()[name]
    assert metrics
    assert set(metrics) <= set(METRICS.names())


@pytest.mark.parametrize("name", TRIGGERS.names())
def test_it_says_what_it_is(name):
    kind = TRIGGERS[name]
    assert kind.title
    assert kind.source
    assert kind.__doc__
