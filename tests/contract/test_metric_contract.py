"""What every registered metric promises, whatever it measures."""

import math
from collections.abc import Callable
from dataclasses import fields

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from peephole.errors import PeepholeError
from peephole.leaderboard.base import CALIBRATION, METRICS, Metric, Probes, Scored
from peephole.leaderboard.relevance import positive

SIDE = 12


def probes(count: int, truth: str = "mask") -> Probes:
    """Two targets a picture, with truths of different place and size from picture to picture."""
    generator = torch.Generator().manual_seed(count)
    mask = torch.zeros((count, 2, SIDE, SIDE), dtype=torch.bool)
    for n in range(count):
        mask[n, 0, : 3 + n % 3, : 3 + n % 2] = True
        mask[n, 1, 7 + n % 3 :, 6:10] = True
    clean = torch.rand((count, 3, SIDE, SIDE), generator=generator)
    image = torch.where(mask.any(dim=1, keepdim=True), torch.ones(()), clean)
    target = torch.tensor([[0, 1]]).expand(count, 2)
    if truth == "soft":
        soft = (mask + torch.rand(mask.shape, generator=generator)) / 2
        return Probes(image, clean, None, None, target, soft)
    return Probes(image, clean, mask, mask, target)


def noise(count: int, seed: int = 0) -> torch.Tensor:
    return torch.randn((count, 2, SIDE, SIDE), generator=torch.Generator().manual_seed(seed))


def close(first: Scored, second: Scored) -> None:
    torch.testing.assert_close(first.value, second.value, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(first.chance, second.chance, rtol=1e-12, atol=1e-12)
    assert first.valid.equal(second.valid)


@pytest.fixture(params=METRICS.names())
def metric(request: pytest.FixtureRequest) -> Metric:
    return METRICS[request.param]()


def test_says_what_it_is(metric: Metric) -> None:
    assert metric.title
    assert metric.formula
    assert metric.source
    assert metric.direction in ("higher", "lower")
    assert math.isfinite(metric.best)
    assert isinstance(metric.core, bool)
    assert metric.truth in ("mask", "soft")
    for part in ("Formula:", "Range:", "Chance:", "Direction:", "Invalid:", "Source:"):
        assert part in (type(metric).__doc__ or ""), f"the docstring has no '{part}'"


def test_gives_one_float64_a_picture(metric: Metric) -> None:
    scored = metric.score(noise(5), probes(5, metric.truth))
    assert scored.value.shape == scored.chance.shape == scored.valid.shape == (5,)
    assert scored.value.dtype == scored.chance.dtype == torch.float64
    assert scored.valid.dtype == torch.bool
    assert scored.valid.all()
    assert scored.value.isfinite().all()


def test_the_oracle_scores_best(metric: Metric) -> None:
    truth = probes(6, metric.truth)
    scored = metric.score(CALIBRATION["oracle"]().maps(truth, 0), truth)
    assert scored.value.tolist() == pytest.approx([metric.best] * 6, abs=1e-12)
    assert scored.valid.all()


def test_the_anti_oracle_is_worse_than_chance(metric: Metric) -> None:
    truth = probes(6, metric.truth)
    scored = metric.score(CALIBRATION["anti_oracle"]().maps(truth, 0), truth)
    corrected = (scored.value - scored.chance) / (metric.best - scored.chance)
    assert scored.valid.all()
    assert (corrected < 0).all()


def test_a_constant_is_between_the_anti_oracle_and_best(metric: Metric) -> None:
    truth = probes(6, metric.truth)
    scored = metric.score(CALIBRATION["constant"]().maps(truth, 0), truth)
    worst = metric.score(CALIBRATION["anti_oracle"]().maps(truth, 0), truth)
    sign = 1 if metric.direction == "higher" else -1
    assert (sign * (scored.value - worst.value) >= -1e-12).all()
    assert (sign * (metric.best - scored.value) >= -1e-12).all()


def test_random_maps_score_chance(metric: Metric) -> None:
    truth = probes(3000, metric.truth)
    scored = metric.score(CALIBRATION["random"]().maps(truth, 11), truth)
    excess = scored.value - scored.chance
    error = (excess.std() / 3000**0.5).item()
    assert error < 0.002
    assert abs(excess.mean().item()) < 4 * error


def test_chance_does_not_depend_on_the_map(metric: Metric) -> None:
    truth = probes(6, metric.truth)
    assert metric.score(noise(6), truth).chance.equal(metric.score(noise(6, 1), truth).chance)


@pytest.mark.parametrize("fill", [0.0, -0.0, -1.0])
def test_a_map_without_positive_relevance_is_invalid_at_chance(metric: Metric, fill: float) -> None:
    maps = noise(4)
    maps[2] = fill
    scored = metric.score(maps, probes(4, metric.truth))
    assert scored.valid.tolist() == [True, True, False, True]
    assert scored.value[2] == scored.chance[2]


def test_negative_relevance_counts_as_none(metric: Metric) -> None:
    maps = noise(5)
    close(metric.score(maps, probes(5, metric.truth)), metric.score(positive(maps), probes(5, metric.truth)))


@settings(max_examples=40, deadline=None)
@given(exponent=st.floats(-30, 30), seed=st.integers(0, 1000), name=st.sampled_from(METRICS.names()))
def test_the_scale_of_a_map_does_not_matter(exponent: float, seed: int, name: str) -> None:
    metric, maps = METRICS[name](), noise(3, seed).to(torch.float64)
    scored = metric.score(maps * 10.0**exponent, probes(3, metric.truth))
    close(scored, metric.score(maps, probes(3, metric.truth)))


@pytest.mark.parametrize("magnitude", [1e-30, 1e30])
def test_extreme_float32_maps_score_as_ordinary_ones(metric: Metric, magnitude: float) -> None:
    maps = (noise(4) > 0.3).float()
    close(metric.score(maps * magnitude, probes(4, metric.truth)), metric.score(maps, probes(4, metric.truth)))


def test_each_picture_is_scored_by_itself(metric: Metric) -> None:
    truth, maps = probes(5, metric.truth), noise(5)
    together = metric.score(maps, truth)
    for n in range(5):
        one = slice(n, n + 1)
        cut = {field.name: getattr(truth, field.name) for field in fields(Probes)}
        alone = metric.score(
            maps[one], Probes(**{name: value if value is None else value[one] for name, value in cut.items()})
        )
        close(alone, Scored(together.value[one], together.chance[one], together.valid[one]))


def test_arguments_are_left_alone(metric: Metric) -> None:
    truth, maps = probes(3, metric.truth), noise(3)
    before = (maps.clone(), truth.truth.clone(), truth.image.clone())
    metric.score(maps, truth)
    assert maps.equal(before[0])
    assert truth.truth.equal(before[1])
    assert truth.image.equal(before[2])


def _nan(maps: torch.Tensor) -> torch.Tensor:
    maps[1, 1, 3, 3] = torch.nan
    return maps


@pytest.mark.parametrize(
    "spoil", [_nan, lambda maps: maps[..., :-1], lambda maps: maps[:1], lambda maps: maps[0]], ids=range(4)
)
def test_bad_maps_are_refused_in_one_line(metric: Metric, spoil: Callable[[torch.Tensor], torch.Tensor]) -> None:
    with pytest.raises(PeepholeError) as caught:
        metric.score(spoil(noise(3)), probes(3, metric.truth))
    assert "\n" not in str(caught.value)
