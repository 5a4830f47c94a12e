"""The cosine of map and picture."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from peephole.attributions.classifier import Normalise
from peephole.leaderboard.base import METRICS, Probes
from peephole.leaderboard.examined import Examined

SIDE = 6
NORMALISE = Normalise((0.3, 0.5, 0.6), (0.2, 0.3, 0.25))


def probes(count=4, targets=1):
    generator = torch.Generator().manual_seed(5)
    image = torch.rand((count, 3, SIDE, SIDE), generator=generator) * torch.rand((count, 3, 1, 1), generator=generator)
    mask = torch.ones((count, targets, SIDE, SIDE), dtype=torch.bool)
    target = torch.arange(targets).expand(count, targets)
    return Probes(image, image, mask, mask, target, network=Examined(NORMALISE, nn.Identity()))


def noise(count=4, channels=3, targets=1, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn((count, targets, channels, SIDE, SIDE), generator=generator, dtype=torch.float64)


def score(maps, given_probes=None):
    return METRICS["input_alignment"]().score(maps, given_probes or probes())


def slow(relevance, x):
    """The cosine of one map ``[c,S,S]`` with one picture, entry by entry."""
    r = relevance.flatten().tolist()
    seen = x.flatten().tolist()
    if len(relevance) == 1:
        seen = [sum(x[c, i, j].item() for c in range(3)) for i in range(SIDE) for j in range(SIDE)]
    return sum(a * b for a, b in zip(r, seen, strict=True)) / (math.hypot(*r) * math.hypot(*seen))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("targets", [1, 2])
def test_it_is_the_cosine(channels, targets):
    given_probes, maps = probes(targets=targets), noise(channels=channels, targets=targets)
    x = NORMALISE(given_probes.image).double()
    expected = [sum(slow(maps[n, t], x[n]) for t in range(targets)) / targets for n in range(4)]
    scored = score(maps, given_probes)
    assert scored.value.tolist() == pytest.approx(expected, abs=1e-12)
    assert scored.valid.all()
    assert scored.scored.all()


@settings(max_examples=20, deadline=None)
@given(exponent=st.floats(-150, 150), sign=st.sampled_from([-1, 1]))
def test_a_multiple_of_the_picture_is_aligned(exponent, sign):
    """With its channels or summed, at any scale."""
    x = NORMALISE(probes().image).double().unsqueeze(1) * sign * 10.0**exponent
    assert score(x).value.tolist() == pytest.approx([sign] * 4, abs=1e-12)
    assert score(x.sum(2, keepdim=True)).value.tolist() == pytest.approx([sign] * 4, abs=1e-12)


def test_uniform_maps_are_expected_to_score_chance():
    one = probes(1)
    draws = 20_000
    many = Probes(
        *(value.expand(draws, *value.shape[1:]) for value in (one.image, one.clean, one.mask, one.exact, one.target)),
        network=one.network,
    )
    maps = torch.rand((draws, 1, 1, SIDE, SIDE), generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    scored = score(maps, many)
    error = scored.value.std() / draws**0.5
    assert error < 0.001
    assert abs(scored.value.mean() - scored.chance[0]) < 3 * error
    assert abs(scored.chance[0]) > 0.1
    flip = torch.rand((draws, 1, 1, 1, 1), generator=torch.Generator().manual_seed(3)) < 0.5
    flipped = score(torch.where(flip, -maps, maps), many).value
    assert abs(flipped.mean()) < 4 * flipped.std() / draws**0.5


def test_chance_is_the_same_for_all_maps():
    assert score(noise()).chance.equal(score(noise(channels=1, seed=1)).chance)


def test_a_map_of_zeros_is_invalid_at_chance():
    maps = noise(targets=2)
    maps[1, 1] = 0
    scored = score(maps, probes(targets=2))
    assert scored.valid.tolist() == [True, False, True, True]
    assert scored.value[1] == scored.chance[1]


def test_a_picture_of_the_mean_colour_is_left_out():
    given_probes = probes()
    given_probes.image[2] = torch.tensor([0.3, 0.5, 0.6]).view(3, 1, 1)
    scored = score(noise(), given_probes)
    assert scored.scored.tolist() == [True, True, False, True]
    assert scored.value.isfinite().all()
    assert scored.chance.isfinite().all()
