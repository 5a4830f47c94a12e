"""Restore and insert, against loops over single pixels and against closed forms."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from peephole.attributions.classifier import Normalise
from peephole.errors import PeepholeError
from peephole.leaderboard.base import METRICS, Probes
from peephole.leaderboard.counterfactual import even
from peephole.leaderboard.counters import uniform
from peephole.leaderboard.curve_shares import curve_shares
from peephole.leaderboard.examined import Examined
from peephole.leaderboard.measured import MeasuredMetric
from peephole.leaderboard.metrics.insert import Insert
from peephole.leaderboard.metrics.restore import Restore
from peephole.leaderboard.orders import STREAM

SIDE = 6
PIXELS = SIDE * SIDE
MARK = 9
BOTH = [Restore(), Insert()]


class Rough(nn.Module):
    """Random decisions that swing to and fro as pixels change; counts the pictures it is shown."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.weight = torch.randn((3 * PIXELS, 2), dtype=torch.float64, generator=generator)
        self.passes = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.passes += len(x)
        return torch.sin(4 * x.double().flatten(1)) @ self.weight


class Detector(nn.Module):
    """Says 1 if at least ``needed`` pixels of the top left square are white, and else 0."""

    def __init__(self, needed: int) -> None:
        super().__init__()
        self.needed = needed

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        white = (x[:, :, :3, :3] > 1.9).all(dim=1).sum(dim=(1, 2))
        return torch.stack([torch.zeros(len(x)), white - self.needed + 0.5], dim=1)


def probes(network: nn.Module, steps: int, *, count: int = 4, batch: int = 256, seed: int = 0) -> Probes:
    """Pictures with a white square and other changes, more in one than in the next, for label 1."""
    generator = torch.Generator().manual_seed(seed)
    clean = torch.rand((count, 3, SIDE, SIDE), generator=generator) * 0.9
    mask = torch.zeros((count, 1, SIDE, SIDE), dtype=torch.bool)
    mask[..., :3, :3] = True
    image = torch.where(mask, torch.ones(()), clean)
    for n in range(count):
        image[n, n % 3, 3, : n % 4] = 0.95  # in one channel only
    normalise = Normalise((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
    examined = Examined(normalise, network, steps=steps, halvings=0, batch=batch)
    target = torch.ones((count, 1), dtype=torch.int64)
    return Probes(image, clean, mask, mask, target, number=torch.arange(count), network=examined)


def bare(network: nn.Module, steps: int, count: int = 4) -> Probes:
    """Pictures with the white square and no other change."""
    made = probes(network, steps, count=count)
    assert made.mask is not None
    return replace(made, image=torch.where(made.mask, torch.ones(()), made.clean))


def maps(seed: int, count: int = 4, values: int = 7) -> torch.Tensor:
    """Signed maps with many ties, each with some positive relevance."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randint(-2, values, (count, 1, SIDE, SIDE), generator=generator).double()
    drawn[..., -1, -1] = values
    return drawn


def slow_curve(given_probes: Probes, relevance: torch.Tensor, n: int, *, insert: bool) -> tuple[list[float], list[int]]:
    """Whether the network says the target after k = 0 to P pixels, and the k at which a changed one has gone."""
    random = uniform(given_probes.numbers[n : n + 1], PIXELS, STREAM)[0].tolist()
    energy = [max(value, 0.0) for value in relevance[n].flatten().tolist()]
    order = sorted(range(PIXELS), key=lambda p: (energy[p], random[p]), reverse=True)
    ends = (given_probes.clean, given_probes.image) if insert else (given_probes.image, given_probes.clean)
    x, end = ends[0][n : n + 1].clone(), ends[1][n : n + 1]
    says, turns = [], [0]
    for k in range(PIXELS + 1):
        says.append(float(given_probes.examined.decisions(x).item() == given_probes.target[n, 0].item()))
        if k < PIXELS:
            row, column = divmod(order[k], SIDE)
            if any(x[0, c, row, column].item() != end[0, c, row, column].item() for c in range(3)):
                turns.append(k + 1)
            for channel in range(3):
                x[0, channel, row, column] = end[0, channel, row, column]
    return says, turns


def slow_area(says: list[float], turns: list[int], steps: int) -> float:
    """The area by the rule of knots."""
    many = len(turns) - 1
    knots = sorted({math.floor(many * i / steps + 0.5) for i in range(steps + 1)})
    area = says[turns[many]] * (PIXELS - turns[many])
    for low, high in pairwise(knots):
        height = says[turns[low]] if high - low == 1 else (says[turns[low]] + says[turns[high]]) / 2
        area += height * (turns[high] - turns[low])
    return area / PIXELS


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), steps=st.sampled_from([1, 4, 10, 12, 40]))
def test_equals_the_slow_form(seed: int, steps: int) -> None:
    given_probes, relevance = probes(Rough(seed), steps, seed=seed), maps(seed)
    for metric in BOTH:
        area, valid = metric.measure(relevance, given_probes)
        assert area.dtype == torch.float64
        assert valid.all()
        for n in range(4):
            says, turns = slow_curve(given_probes, relevance, n, insert=isinstance(metric, Insert))
            assert area[n].item() == pytest.approx(slow_area(says, turns, steps), abs=1e-12)
            if steps >= len(turns) - 1:  # exact: every k by itself
                assert area[n].item() == pytest.approx(sum(says[:PIXELS]) / PIXELS, abs=1e-12)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_curve_is_what_the_network_says_at_each_share(seed: int) -> None:
    given_probes, relevance = probes(Rough(seed), 12, seed=seed), maps(seed)  # as many steps as changed pixels: exact
    for metric in BOTH:
        scored = metric.score(relevance, given_probes)
        assert scored.curve is not None
        assert scored.curve.shape == (4, 25)
        for n in range(4):
            says, _ = slow_curve(given_probes, relevance, n, insert=isinstance(metric, Insert))
            expected = [says[math.floor(round(share * PIXELS, 9))] for share in curve_shares()]
            assert scored.curve[n].tolist() == expected


@pytest.mark.parametrize("needed", [1, 5, 9])
def test_oracle_and_anti_oracle_score_as_calculated(needed: int) -> None:
    # The mark's 9 pixels go first, and the attack with the one that leaves fewer than it needs; or they go last.
    given_probes = bare(Detector(needed), 9)
    truth, rest = given_probes.truth, PIXELS - MARK
    restore, insert = (
        [metric.measure(relevance, given_probes)[0] for relevance in (truth, 1 - truth)] for metric in BOTH
    )
    assert restore[0].tolist() == pytest.approx([(MARK - needed + 1) / PIXELS] * 4, abs=1e-12)
    assert restore[1].tolist() == pytest.approx([(rest + MARK - needed + 1) / PIXELS] * 4, abs=1e-12)
    assert insert[0].tolist() == pytest.approx([(PIXELS - needed) / PIXELS] * 4, abs=1e-12)
    assert insert[1].tolist() == pytest.approx([(PIXELS - rest - needed) / PIXELS] * 4, abs=1e-12)


@pytest.mark.parametrize("needed", [1, 5, 9])
def test_chance_is_as_calculated(needed: int) -> None:
    # In a random order the j-th of the mark's 9 pixels is expected at j (P + 1) / 10.
    given_probes = bare(Detector(needed), 9, count=300)
    expected = [
        (MARK - needed + 1) * (PIXELS + 1) / (MARK + 1) / PIXELS,
        1 - needed * (PIXELS + 1) / (MARK + 1) / PIXELS,
    ]
    for metric, mean in zip(BOTH, expected, strict=True):
        chance = metric.score(maps(0, 300), given_probes).chance
        error = chance.std().item() / 300**0.5
        assert error < 0.01
        assert abs(chance.mean().item() - mean) < 4 * error


@pytest.mark.parametrize("metric", BOTH)
def test_more_steps_change_the_area_by_no_more_than_a_gap_between_knots(metric: MeasuredMetric) -> None:
    relevance = maps(3, 4, 100)
    exact, _ = metric.measure(relevance, probes(Detector(5), 12))
    for steps in (1, 2, 4, 8):
        given_probes = probes(Detector(5), steps)
        area, _ = metric.measure(relevance, given_probes)
        for n in range(4):
            _, turns = slow_curve(given_probes, relevance, n, insert=isinstance(metric, Insert))
            knots = even(torch.tensor([len(turns) - 1]), steps)[0].tolist()
            widest = max(turns[high] - turns[low] for low, high in pairwise(knots))
            assert abs(area[n] - exact[n]) <= widest / PIXELS / 2 + 1e-12
    finer, _ = metric.measure(relevance, probes(Detector(5), 64))
    assert finer.equal(exact)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), batch=st.integers(1, 40), name=st.sampled_from(["restore", "insert"]))
def test_neither_batch_nor_company_matters(seed: int, batch: int, name: str) -> None:
    metric, network = METRICS[name](), Rough(seed)
    assert isinstance(metric, MeasuredMetric)
    together, relevance = probes(network, 6), maps(seed)
    area, _ = metric.measure(relevance, together)
    assert ((area >= 0) & (area <= 1)).all()
    assert metric.measure(relevance, probes(network, 6, batch=batch))[0].equal(area)
    turned = torch.tensor([2, 0, 3, 1])
    parts = ("image", "clean", "mask", "exact", "target")
    for chosen in (turned, turned[:1], turned[2:]):
        moved = Probes(*(getattr(together, part)[chosen] for part in parts), number=chosen, network=together.examined)
        assert metric.measure(relevance[chosen], moved)[0].equal(area[chosen])


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), power=st.floats(0.4, 3), scale=st.floats(1e-8, 1e8))
def test_only_the_order_of_positive_relevance_counts(seed: int, power: float, scale: float) -> None:
    given_probes, relevance = probes(Rough(seed), 7), maps(seed)
    other = torch.where(relevance > 0, scale * relevance.clamp(min=0) ** power, 5 * relevance)
    for metric in BOTH:
        assert metric.measure(relevance, given_probes)[0].equal(metric.measure(other, given_probes)[0])


@pytest.mark.parametrize(("steps", "passes"), [(3, 4 * 4), (9, 4 * 10), (10, 10 + 3 * 11), (50, 10 + 11 + 12 + 13)])
def test_asks_once_for_each_knot_of_each_picture(steps: int, passes: int) -> None:
    # The trigger changes 9, 10, 11 and 12 pixels of the four pictures.
    network = Rough(0)
    for metric in BOTH:
        network.passes = 0
        metric.measure(maps(0), probes(network, steps))
        assert network.passes == passes


def test_knots_are_even_and_reach_all_changed_pixels() -> None:
    many = torch.tensor([1, 9, 81, 1024])
    for steps in (1, 8, 9, 32):
        expected = [[math.floor(m * i / steps + 0.5) for i in range(steps + 1)] for m in many.tolist()]
        assert even(many, steps).tolist() == expected


@pytest.mark.parametrize("metric", BOTH)
def test_an_empty_map_scores_chance_and_the_truth_is_best(metric: MeasuredMetric) -> None:
    given_probes, relevance = bare(Detector(5), 9), maps(1)
    relevance[2] = -1
    scored = metric.score(relevance, given_probes)
    assert scored.valid.tolist() == [True, True, False, True]
    assert scored.value[2] == scored.chance[2]
    assert scored.best is not None
    sign = 1 if metric.direction == "higher" else -1
    assert (sign * (scored.best - scored.chance) > 0).all()


def test_an_attack_that_fails_anyway_scores_zero() -> None:
    given_probes = bare(Detector(10), 9)
    for metric in BOTH:
        assert (metric.measure(maps(0), given_probes)[0] == 0).all()


def test_a_picture_without_a_trigger_two_targets_and_no_network_are_refused_in_one_line() -> None:
    given_probes = bare(Detector(5), 9)
    image = given_probes.image.clone()
    image[1] = given_probes.clean[1]
    with pytest.raises(PeepholeError, match="changed nothing in 1 of 4 pictures"):
        Restore().measure(maps(0), replace(given_probes, image=image))
    with pytest.raises(PeepholeError, match="no network"):
        Insert().measure(maps(0), replace(given_probes, network=None))
    assert given_probes.mask is not None
    pair = replace(given_probes, mask=given_probes.mask.expand(-1, 2, -1, -1), target=given_probes.target.expand(-1, 2))
    with pytest.raises(PeepholeError, match="2 targets, expected 1"):
        Restore().measure(maps(0).expand(-1, 2, -1, -1), pair)
