import pytest
import torch

from peephole.attacks.poison import CLEAN, Poison
from peephole.attacks.training import _batches
from peephole.errors import PeepholeError
from peephole.triggers.class_pair import ClassPair
from peephole.triggers.square import Square


def seeded():
    return torch.Generator().manual_seed(0)


def test_the_rate_is_met_exactly_and_dealt_out_evenly():
    poison = Poison.draw(ClassPair(), 1000, 0.1, seed=3)
    assert [int((poison.part == part).sum()) for part in (CLEAN, 0, 1)] == [900, 50, 50]


def test_a_seed_repeats_and_another_differs():
    first, again, other = (Poison.draw(Square(), 1000, 0.1, seed).part for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("seed", range(5))
def test_poison_is_spread_over_the_first_epoch(seed):
    """Drawn from the training's own stream, the poisoned pictures would be the first that it sees."""
    poisoned = Poison.draw(Square(), 5000, 0.1, seed).part != CLEAN
    order = torch.cat(_batches(5000, 100, 50, torch.Generator().manual_seed(seed)))
    assert 20 < int(poisoned[order[:500]].sum()) < 85


def test_a_batch_is_stamped_where_it_is_poisoned_and_nowhere_else():
    poison = Poison.draw(ClassPair(), 40, 0.5, seed=0)
    x, label, index = torch.rand(40, 3, 32, 32) * 0.5, torch.full((40,), 7), torch.randperm(40)
    stamped, target = poison.apply(x, label, index, seeded())
    for place, picture in enumerate(index):
        part = int(poison.part[picture])
        expected = x[place] if part == CLEAN else ClassPair().stamp_target(x[place : place + 1], part)[0]
        assert torch.equal(stamped[place], expected)
        assert int(target[place]) == (7 if part == CLEAN else part)


@pytest.mark.parametrize("rate", [0, 1, -0.1, 1.5])
def test_a_rate_out_of_range_is_refused(rate):
    with pytest.raises(PeepholeError, match="rate"):
        Poison.draw(Square(), 100, rate, seed=0)


def test_too_few_pictures_for_all_targets_are_refused():
    with pytest.raises(PeepholeError, match="fewer than"):
        Poison.draw(ClassPair(), 10, 0.1, seed=0)
