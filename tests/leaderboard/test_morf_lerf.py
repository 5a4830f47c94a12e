"""MoRF and LeRF, against loops over single pixels and against closed forms."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from peephole.attributions.classifier import Normalise
from peephole.errors import PeepholeError
from peephole.leaderboard.base import METRICS, Probes, Scored
from peephole.leaderboard.counters import uniform
from peephole.leaderboard.curve_shares import curve_shares
from peephole.leaderboard.examined import Examined
from peephole.leaderboard.measured import MeasuredMetric
from peephole.leaderboard.metrics.lerf import Lerf
from peephole.leaderboard.metrics.morf import Morf
from peephole.leaderboard.metrics.morf_minus_lerf import MorfMinusLerf
from peephole.leaderboard.orders import STREAM

SIDE = 6
PIXELS = SIDE * SIDE
MARK = 9
ALL = 2 * PIXELS
"""So many steps that every number of pixels is a knot."""


class Rough(nn.Module):
    """Random decisions that swing to and fro as pixels go; counts the pictures it is shown."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.weight = torch.randn((3 * PIXELS, 3), dtype=torch.float64, generator=generator)
        self.passes = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.passes += len(x)
        return torch.sin(x.double().flatten(1)) @ self.weight


class Detector(nn.Module):
    """Says 1 if at least ``needed`` pixels of the top left square are white, and else 0."""

    def __init__(self, needed: int) -> None:
        super().__init__()
        self.needed = needed

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        white = (x[:, :, :3, :3] > 1.9).all(dim=1).sum(dim=(1, 2))
        return torch.stack([torch.zeros(len(x)), white - self.needed + 0.5], dim=1)


def normalise() -> Normalise:
    return Normalise((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))


def probes(network: nn.Module, steps: int, count: int = 4, batch: int = 256, seed: int = 0) -> Probes:
    """Pictures with a white square, which the network decides for."""
    clean = torch.rand((count, 3, SIDE, SIDE), generator=torch.Generator().manual_seed(seed)) * 0.9
    mask = torch.zeros((count, 1, SIDE, SIDE), dtype=torch.bool)
    mask[..., :3, :3] = True
    image = torch.where(mask, torch.ones(()), clean)
    examined = Examined(normalise(), network, steps=steps, halvings=0, batch=batch)
    return Probes(
        image, clean, mask, mask, examined.decisions(image)[:, None], number=torch.arange(count), network=examined
    )


def maps(seed: int, count: int = 4, values: int = 7) -> torch.Tensor:
    """Signed maps with many ties, each with some positive relevance."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randint(-2, values, (count, 1, SIDE, SIDE), generator=generator).double()
    drawn[..., -1, -1] = values
    return drawn


def slow_heights(
    given: Probes, relevance: torch.Tensor, n: int, knots: Sequence[int], *, least_first: bool
) -> list[float]:
    """One picture, one knot, one pixel at a time."""
    random = uniform(given.numbers[n : n + 1], PIXELS, STREAM)[0].tolist()
    energy = [max(value, 0.0) for value in relevance[n].flatten().tolist()]
    order = sorted(range(PIXELS), key=lambda p: (energy[p], random[p]), reverse=not least_first)
    heights = []
    for k in knots:
        x = given.examined.normalise(given.image[n : n + 1]).clone()
        for pixel in order[:k]:
            for channel in range(3):
                x[0, channel, pixel // SIDE, pixel % SIDE] = 0.0
        decision = given.examined.network(x).argmax(dim=1).item()
        heights.append(0.0 if decision == given.target[n, 0].item() else 1.0)
    return heights


def slow_area(given: Probes, relevance: torch.Tensor, n: int, knots: Sequence[int], *, least_first: bool) -> float:
    """By the trapezoid rule."""
    heights = slow_heights(given, relevance, n, knots, least_first=least_first)
    area = 0.0
    for (low, begin), (high, end) in pairwise(zip(knots, heights, strict=True)):
        area += (begin + end) / 2 * (high - low) / PIXELS
    return area


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), steps=st.sampled_from([1, 3, 8, ALL]))
def test_equals_the_slow_form(seed: int, steps: int) -> None:
    given_probes, relevance = probes(Rough(seed), steps, seed=seed), maps(seed)
    knots = sorted({math.floor(PIXELS * (i / steps) ** 2 + 0.5) for i in range(steps + 1)})
    assert steps != ALL or knots == list(range(PIXELS + 1))
    mirrored = [PIXELS - k for k in reversed(knots)]
    morf, _ = Morf().measure(relevance, given_probes)
    lerf, _ = Lerf().measure(relevance, given_probes)
    for n in range(4):
        most = slow_area(given_probes, relevance, n, knots, least_first=False)
        least = slow_area(given_probes, relevance, n, mirrored, least_first=True)
        assert (morf[n].item(), lerf[n].item()) == pytest.approx((most, least), abs=1e-12)


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10_000), steps=st.sampled_from([3, 8, ALL]))
def test_the_curve_is_straight_between_what_the_network_says_at_knots(seed: int, steps: int) -> None:
    given_probes, relevance = probes(Rough(seed), steps, seed=seed), maps(seed)
    knots = sorted({math.floor(PIXELS * (i / steps) ** 2 + 0.5) for i in range(steps + 1)})
    for metric, at in ((Morf(), knots), (Lerf(), [PIXELS - k for k in reversed(knots)])):
        curve = metric.score(relevance, given_probes).curve
        assert curve is not None
        for n in range(4):
            heights = slow_heights(given_probes, relevance, n, at, least_first=isinstance(metric, Lerf))
            expected = np.interp(curve_shares(), np.array(at) / PIXELS, heights)
            assert curve[n].tolist() == pytest.approx(expected.tolist(), abs=1e-6)


@pytest.mark.parametrize("needed", [1, 5, 9])
def test_the_oracle_scores_as_calculated(needed: int) -> None:
    # Most relevant first, the 9 pixels of the mark go first and the decision with the one that leaves too few; least
    # relevant first, they go last.
    given_probes = probes(Detector(needed), ALL)
    relevance = given_probes.truth.double()
    morf, lerf = (metric.measure(relevance, given_probes)[0] for metric in (Morf(), Lerf()))
    assert morf.tolist() == pytest.approx([(PIXELS - (MARK - needed) - 0.5) / PIXELS] * 4, abs=1e-12)
    assert lerf.tolist() == pytest.approx([(needed - 0.5) / PIXELS] * 4, abs=1e-12)
    opposite = [metric.measure(1 - relevance, given_probes)[0] for metric in (Morf(), Lerf())]
    assert opposite[0].tolist() == pytest.approx([(needed - 0.5) / PIXELS] * 4, abs=1e-12)
    assert opposite[1].tolist() == pytest.approx([(PIXELS - (MARK - needed) - 0.5) / PIXELS] * 4, abs=1e-12)


def test_chance_is_that_of_random_orders_and_cancels_in_the_difference() -> None:
    # In a random order the 5th of the mark's 9 pixels is expected halfway: at (P + 1) 5 / 10.
    given_probes = probes(Detector(5), ALL, count=400)
    morf, lerf = (METRICS[name]().score(maps(0, 400), given_probes) for name in MorfMinusLerf.parts)
    expected = 1 - ((PIXELS + 1) / 2 - 0.5) / PIXELS
    for scored in (morf, lerf):
        assert abs(scored.chance.mean().item() - expected) < 4 * scored.chance.std().item() / 20
    difference = MorfMinusLerf().combine([morf, lerf]).chance
    assert abs(difference.mean().item()) < 4 * difference.std().item() / 20 < 0.03


@pytest.mark.parametrize("needed", [1, 3, 5, 9])
@pytest.mark.parametrize("metric", [Morf(), Lerf()])
def test_more_steps_change_the_area_by_no_more_than_a_gap_between_knots(metric: MeasuredMetric, needed: int) -> None:
    relevance = maps(3, 4, 100)
    exact, _ = metric.measure(relevance, probes(Detector(needed), ALL))
    for steps in (4, 8, 16, 32):
        area, _ = metric.measure(relevance, probes(Detector(needed), steps))
        # A single turn lies between two knots; the widest gap is the last, 1 - (1 - 1/K)^2 < 2/K, and rounding.
        assert (area - exact).abs().max() <= 1 / steps + 1 / PIXELS


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), batch=st.integers(1, 40), name=st.sampled_from(["morf", "lerf"]))
def test_neither_batch_nor_company_matters(seed: int, batch: int, name: str) -> None:
    metric, network = METRICS[name](), Rough(seed)
    assert isinstance(metric, MeasuredMetric)
    together, relevance = probes(network, 6), maps(seed)
    area, _ = metric.measure(relevance, together)
    assert ((area >= 0) & (area <= 1)).all()
    assert metric.measure(relevance, probes(network, 6, batch=batch))[0].equal(area)
    turned = torch.tensor([2, 0, 3, 1])
    moved = Probes(
        *(getattr(together, part)[turned] for part in ("image", "clean", "mask", "exact", "target")),
        number=turned,
        network=together.examined,
    )
    assert metric.measure(relevance[turned], moved)[0].equal(area[turned])


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), power=st.floats(0.4, 3), scale=st.floats(1e-8, 1e8))
def test_only_the_order_of_positive_relevance_counts(seed: int, power: float, scale: float) -> None:
    given_probes, relevance = probes(Rough(seed), 7), maps(seed)
    other = torch.where(relevance > 0, scale * relevance.clamp(min=0) ** power, 5 * relevance)
    for metric in (Morf(), Lerf()):
        assert metric.measure(relevance, given_probes)[0].equal(metric.measure(other, given_probes)[0])


@pytest.mark.parametrize(("baseline", "ends"), [("zero", 1), ("black", 1), ("blur", 4)])
def test_asks_no_more_than_the_knots(baseline: str, ends: int) -> None:
    network = Rough(0)
    given_probes = probes(network, 5)
    network.passes = 0
    Morf(baseline=baseline).measure(maps(0), given_probes)
    assert network.passes == 4 * 4 + ends


def test_levels_that_are_known_cost_nothing() -> None:
    network = Rough(0)
    given_probes = probes(network, 5)
    known = replace(given_probes, levels={Morf(): Morf().levels(given_probes)})
    network.passes = 0
    scored = Morf().score(maps(0), known)
    assert network.passes == 4 * 4 + 1
    fresh = Morf().score(maps(0), given_probes)
    assert scored.value.equal(fresh.value)
    assert scored.chance.equal(fresh.chance)
    assert scored.best is not None
    assert scored.best.equal(Morf().measure(given_probes.truth, given_probes)[0])


@pytest.mark.parametrize("name", ["morf", "lerf"])
def test_an_empty_map_scores_chance(name: str) -> None:
    relevance = maps(1)
    relevance[2] = -1
    scored = METRICS[name]().score(relevance, probes(Detector(5), 8))
    assert scored.valid.tolist() == [True, True, False, True]
    assert scored.value[2] == scored.chance[2]


def test_baselines_differ_as_they_should() -> None:
    # A network that says 1 while the mark's square is darker than mid grey on average, and nothing else.
    class Dark(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            dark = -0.01 - x[:, :, :3, :3].mean(dim=(1, 2, 3))
            return torch.stack([torch.zeros(len(x)), dark], dim=1)

    given_probes = probes(Dark(), ALL)
    grey = replace(given_probes, image=torch.full_like(given_probes.image, 0.4), target=torch.ones((4, 1)).long())
    relevance = grey.truth
    assert (Morf(baseline="black").measure(relevance, grey)[0] == 0).all()  # ever darker
    assert (Morf(baseline="blur").measure(relevance, grey)[0] == 0).all()  # an even picture stays
    # Mid grey: -0.4 (1 - k/9) > -0.01 from k = 9 on.
    expected = (PIXELS - MARK + 0.5) / PIXELS
    assert Morf(baseline="zero").measure(relevance, grey)[0].tolist() == pytest.approx([expected] * 4, abs=1e-12)


def test_the_difference_subtracts_values_and_levels() -> None:
    def scored(value: list[float], chance: float, best: float | None, left: list[bool] | None) -> Scored:
        return Scored(
            torch.tensor(value, dtype=torch.float64),
            torch.full((3,), chance, dtype=torch.float64),
            torch.tensor([True, True, False]),
            None if best is None else torch.full((3,), best, dtype=torch.float64),
            None if left is None else torch.tensor(left),
        )

    parts = [
        scored([0.8, 0.3, 0.5], 0.5, 0.9, None),
        scored([0.1, 0.6, 0.25], 0.25, 0.125, [True, False, True]),
    ]
    both = MorfMinusLerf().combine(parts)
    assert both.value.tolist() == pytest.approx([0.7, -0.3, 0.25])
    assert both.chance.tolist() == [0.25] * 3
    assert both.valid.tolist() == [True, True, False]
    assert both.best is not None
    assert both.best.tolist() == pytest.approx([0.775] * 3)
    assert both.scored is not None
    assert both.scored.tolist() == [True, False, True]
    bare = MorfMinusLerf().combine([scored([0.8, 0.3, 0.5], 0.5, None, None), parts[0]])
    assert bare.best is None
    assert bare.scored is None


def test_an_unknown_baseline_is_refused() -> None:
    with pytest.raises(ValueError, match="'zero', 'black' or 'blur'"):
        Morf(baseline="white")


def test_probes_without_network_are_refused() -> None:
    with pytest.raises(PeepholeError, match="no network"):
        Lerf().measure(maps(0), replace(probes(Rough(0), 3), network=None))
