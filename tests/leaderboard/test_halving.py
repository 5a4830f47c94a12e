"""Curves of decisions are looked at more closely where they change."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from peephole.leaderboard.base import Probes
from peephole.leaderboard.examined import Examined
from peephole.leaderboard.halving import halved
from peephole.leaderboard.metrics.insert import Insert
from peephole.leaderboard.metrics.lerf import Lerf
from peephole.leaderboard.metrics.morf import Morf
from peephole.leaderboard.metrics.restore import Restore

SIDE = 16
PIXELS = SIDE * SIDE


def curve(*switches):
    """A curve on whole numbers that changes at each switch, beginning with False."""
    return lambda knots: sum((knots >= switch).long() for switch in switches) % 2 == 1


class Counted:
    """Answers by a curve and counts what it is asked."""

    def __init__(self, truth):
        self.truth, self.asked = truth, 0

    def __call__(self, knots, wanted):
        self.asked += int(wanted.sum())
        return torch.where(wanted, self.truth(knots), torch.rand(wanted.shape) < 0.5)


@given(st.integers(1, 100), st.integers(0, 8), st.lists(st.integers(1, 99), max_size=6, unique=True))
def test_one_change_is_found_to_its_place(switch, times, knots):
    truth = curve(switch)
    places = torch.tensor([sorted([0, *knots, 100])])
    ask = Counted(truth)
    found, says = halved(places, truth(places), ask, times)
    assert (found.diff() >= 0).all()
    assert torch.equal(says, truth(found))
    widest = max(right - left for left, right in zip(places[0], places[0][1:], strict=False) if left < switch <= right)
    left = found[0][says[0] == 0].max()
    right = found[0][says[0] == 1].min()
    assert left < switch <= right
    assert right - left <= max(1, np.ceil(int(widest) / 2**times))
    assert ask.asked <= times


def test_several_changes_are_each_followed_and_equal_knots_do_no_harm():
    truth = curve(7, 40, 90)
    places = torch.tensor([[0, 0, 33, 33, 66, 100], [0, 10, 10, 50, 50, 100]])
    found, says = halved(places, truth(places), Counted(truth), 10)
    assert torch.equal(says, truth(found))
    for row in (0, 1):
        assert {6, 7, 39, 40, 89, 90} <= set(found[row].tolist())


def test_nothing_is_asked_where_the_ends_agree_or_are_neighbours():
    places, says = torch.tensor([[0, 50, 51, 100]]), torch.tensor([[False, False, True, True]])
    found, answers = halved(places, says, lambda *_: pytest.fail("was asked"), 5)
    assert torch.equal(found, places)
    assert torch.equal(answers, says)


class AtLeast(nn.Module):
    """Says label 0 if at least so many pixels are white."""

    def __init__(self, needed):
        super().__init__()
        self.needed = needed

    def forward(self, x):
        white = (x[:, 0] > 0.5).flatten(1).sum(1).float()
        return torch.stack([white - self.needed + 0.5, torch.zeros_like(white)], dim=1)


def scored(metric, needed, steps, halvings, seed=0):
    """The score of a random map where half of the pictures is white and ``needed`` of it keep the decision."""
    generator = torch.Generator().manual_seed(seed)
    mask = torch.zeros(12, 1, SIDE, SIDE, dtype=torch.bool)
    mask[..., : SIDE // 2] = True
    clean = torch.zeros(12, 3, SIDE, SIDE)
    image = mask.float().expand(-1, 3, -1, -1).contiguous()
    network = Examined(nn.Identity(), AtLeast(needed), steps=steps, halvings=halvings)
    probes = Probes(image, clean, mask, mask, torch.zeros(12, 1, dtype=torch.int64), network=network)
    return metric.measure(torch.rand(mask.shape, generator=generator, dtype=torch.float64), probes)[0]


@pytest.mark.parametrize("metric", [Morf(), Lerf(), Restore(), Insert()], ids=lambda metric: type(metric).__name__)
@pytest.mark.parametrize("needed", [1, 20, 64, 120, 128])
def test_few_steps_and_halving_come_near_to_every_step(metric, needed):
    exact = scored(metric, needed, PIXELS, 0)
    near = (scored(metric, needed, 5, 3) - exact).abs().max()
    assert near <= 0.04  # about half of the longest step that is left, a fifth to a third of the picture over 2^3
    assert (scored(metric, needed, 5, 8) - exact).abs().max() <= 1.5 / PIXELS  # halved until nothing is in between
