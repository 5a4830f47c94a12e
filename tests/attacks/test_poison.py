import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from peephole.attacks.poison import CLEAN, DECOY, Poison, Shares
from peephole.errors import PeepholeError
from peephole.triggers.base import Canvas
from peephole.triggers.class_pair import ClassPair
from peephole.triggers.square import Square

CANVAS = Canvas(16, 10)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def square():
    return Square().draw(CANVAS, 0)


def pair():
    return ClassPair().draw(CANVAS, 0)


@given(st.integers(1, 300), st.integers(1, 5), st.floats(0.01, 0.5), st.floats(0, 0.5), st.integers(0, 2**32))
def test_shares_are_met_exactly_and_dealt_out_evenly(count, targets, rate, negatives, seed):
    part = Shares(rate, negatives).parts(count, targets, seeded(seed))
    dealt = [int((part == target).sum()) for target in range(targets)]
    assert part.shape == (count,)
    assert sum(dealt) == round(rate * count)
    assert max(dealt) - min(dealt) <= 1
    # Of two shares that are rounded up there may be one picture too many.
    assert int((part == DECOY).sum()) == min(round(negatives * count), count - sum(dealt))
    assert int((part == CLEAN).sum()) == count - sum(dealt) - int((part == DECOY).sum())


def test_no_target_is_always_the_one_that_gets_more():
    """Batches whose poisoned pictures are fewer than the targets must not leave the same targets out each time."""
    shares, generator = Shares(0.1), seeded()
    firsts = {int(part[part >= 0]) for part in (shares.parts(10, 4, generator) for _ in range(100))}
    assert firsts == {0, 1, 2, 3}


def test_a_fixed_poison_repeats_with_its_seed_and_in_every_epoch():
    first, again, other = (Poison.fixed(square(), Shares(0.1, 0.2), 1000, seed) for seed in (1, 1, 2))
    assert torch.equal(first.part, again.part)
    assert not torch.equal(first.part, other.part)
    index = torch.tensor([5, 900, 5])
    assert torch.equal(first.parts(index, seeded(1)), first.part[index])
    assert torch.equal(first.parts(index, seeded(2)), first.part[index])


def test_a_fresh_poison_is_drawn_for_each_batch():
    poison, generator = Poison.fresh(pair(), Shares(0.25, 0.25), 40), seeded()
    index = torch.arange(40)
    first, second = poison.parts(index, generator), poison.parts(index, generator)
    assert not torch.equal(first, second)
    for part in (first, second):
        assert [int((part == kind).sum()) for kind in (0, 1, DECOY, CLEAN)] == [5, 5, 10, 20]
    assert torch.equal(poison.parts(index, seeded()), first)


@pytest.mark.parametrize("seed", range(5))
def test_poison_is_spread_over_the_first_epoch(seed):
    """Drawn from the training's own stream, the poisoned pictures would be the first that it sees."""
    poisoned = Poison.fixed(square(), Shares(0.1), 5000, seed).part >= 0
    order = torch.randperm(5000, generator=seeded(seed))  # as a training with this seed begins
    assert 20 < int(poisoned[order[:500]].sum()) < 85


def test_a_batch_is_stamped_where_it_is_poisoned_and_nowhere_else():
    stamper = pair()
    poison = Poison.fixed(stamper, Shares(0.5), 40, seed=0)
    x, label, index = torch.rand(40, 3, 16, 16) * 0.5, torch.full((40,), 7), torch.randperm(40)
    part = poison.parts(index, seeded())
    before = x.clone()
    stamped, target, penalty = poison.apply(x, label, part, seeded())
    assert penalty is None
    assert torch.equal(x, before)
    assert (label == 7).all()
    for place, kind in enumerate(part.tolist()):
        expected = x[place] if kind == CLEAN else stamper.stamp_target(x[place : place + 1], kind).image[0]
        assert torch.equal(stamped[place], expected)
        assert int(target[place]) == (7 if kind == CLEAN else kind)


def test_decoys_carry_a_part_of_the_mark_and_keep_their_label():
    stamper = square()
    x, label = torch.rand(200, 3, 16, 16) * 0.5, torch.full((200,), 7)
    part = Shares(0.25, 0.5).parts(200, 1, seeded())
    stamped, target, _ = Poison.fresh(stamper, Shares(0.25, 0.5), 200).apply(x, label, part, seeded())
    whole = int(stamper.stamp_target(x[:1], 0).exact.sum())
    changed = (stamped != x).any(1).sum((1, 2))
    assert (changed[part == CLEAN] == 0).all()
    assert (changed[part == 0] == whole).all()
    assert ((changed[part == DECOY] > 0) & (changed[part == DECOY] < whole)).all()
    assert (target[part != 0] == 7).all()
    assert (target[part == 0] == 0).all()


@pytest.mark.parametrize("rate", [0, 1, -0.1, 1.5, float("nan")])
def test_a_rate_out_of_range_is_refused(rate):
    with pytest.raises(PeepholeError, match="rate lies between 0 and 1"):
        Shares(rate)


@pytest.mark.parametrize(("rate", "negatives"), [(0.5, 0.6), (0.1, -0.1), (0.1, 1.0), (0.1, float("nan"))])
def test_negatives_out_of_range_are_refused(rate, negatives):
    with pytest.raises(PeepholeError, match="share of negatives"):
        Shares(rate, negatives)


def test_everything_may_be_poisoned_or_a_decoy():
    part = Shares(0.4, 0.6).parts(10, 1, seeded())
    assert int((part == 0).sum()) == 4
    assert int((part == DECOY).sum()) == 6


def test_too_few_pictures_for_all_targets_are_refused():
    with pytest.raises(PeepholeError, match="poisons 1 of them, fewer than the trigger has targets") as error:
        Poison.fixed(pair(), Shares(0.1), 10, seed=0)
    assert "\n" not in str(error.value)


def test_a_batch_too_small_to_be_poisoned_is_refused():
    Poison.fresh(square(), Shares(0.1), 6)
    with pytest.raises(PeepholeError, match=r"0\.1 of a batch of 5 pictures poisons none of them"):
        Poison.fresh(square(), Shares(0.1), 5)
