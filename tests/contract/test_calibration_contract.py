"""What every registered calibration row promises."""

from dataclasses import fields, replace

import pytest
import torch

from peephole.leaderboard.base import CALIBRATION, METRICS, Calibration, ComparisonMetric, Probes
from peephole.leaderboard.closed_forms import CLOSED_FORMS, INVALID
from peephole.leaderboard.known_probes import varied_probes
from peephole.leaderboard.trial import Trial


def probes(count: int, targets: int = 2, kind: str = "mask") -> Probes:
    generator = torch.Generator().manual_seed(5)
    mask = torch.zeros((count, targets, 10, 14), dtype=torch.bool)
    mask[:, 0, :4, :4] = True
    mask[:, -1, 6:, 8:] = True
    clean = torch.rand((count, 3, 10, 14), generator=generator)
    image = torch.where(mask.any(dim=1, keepdim=True), torch.ones(()), clean)
    target = torch.arange(targets).expand(count, targets)
    if kind == "soft":
        soft = (mask + torch.rand(mask.shape, generator=generator)) / 2
        return Probes(image, clean, None, None, target, soft)
    return Probes(image, clean, mask, mask, target)


def first(truth: Probes, count: int) -> Probes:
    tensors = {field.name: getattr(truth, field.name) for field in fields(Probes)}
    cut = {name: value[:count] for name, value in tensors.items() if isinstance(value, torch.Tensor)}
    return replace(truth, **cut)


@pytest.fixture(params=CALIBRATION.names())
def row(request: pytest.FixtureRequest) -> Calibration:
    return CALIBRATION[request.param]()


def test_the_rows_that_stand_on_every_board_are_there() -> None:
    assert {"oracle", "anti_oracle", "random", "constant", "centre", "edges"} <= set(CALIBRATION.names())


def test_says_what_it_is(row: Calibration) -> None:
    assert row.title
    assert type(row).__doc__


@pytest.mark.parametrize("kind", ["mask", "soft"])
@pytest.mark.parametrize("targets", [1, 2])
def test_gives_a_finite_non_negative_float32_map_a_picture_and_target(
    row: Calibration, targets: int, kind: str
) -> None:
    truth = probes(5, targets, kind)
    maps = row.maps(truth, 0)
    assert maps.shape == truth.truth.shape
    assert maps.dtype == torch.float32
    assert maps.is_contiguous()
    assert maps.isfinite().all()
    assert (maps >= 0).all()
    assert maps.flatten(2).amax(dim=2).gt(0).all(), "a map of ordinary pictures has something to score"


@pytest.mark.parametrize("kind", ["mask", "soft"])
def test_the_same_seed_gives_the_same_maps(row: Calibration, kind: str) -> None:
    assert row.maps(probes(5, kind=kind), 3).equal(row.maps(probes(5, kind=kind), 3))


@pytest.mark.parametrize("kind", ["mask", "soft"])
def test_more_pictures_leave_the_first_ones_alone(row: Calibration, kind: str) -> None:
    truth = probes(7, kind=kind)
    assert row.maps(first(truth, 3), 3).equal(row.maps(truth, 3)[:3])


@pytest.mark.parametrize("kind", ["mask", "soft"])
def test_maps_are_the_callers_to_change(row: Calibration, kind: str) -> None:
    truth = probes(3, kind=kind)
    before = (truth.image.clone(), truth.truth.clone())
    row.maps(truth, 0).fill_(-1.0)
    assert truth.image.equal(before[0])
    assert truth.truth.equal(before[1])


@pytest.mark.parametrize("name", METRICS.names())
def test_every_metric_scores_it(row: Calibration, name: str) -> None:
    metric = METRICS[name]()
    truth = varied_probes("soft" if metric.truth == "soft" else "mask", 2 if name == "class_sensitivity" else 1, 4)
    maps = row.maps(truth, 0)
    compared = isinstance(metric, ComparisonMetric)  # with the same map, which does not look at any network
    scored = Trial(metric, truth).score(maps, maps.unsqueeze(0) if compared else None)
    # A map without any order has nothing to be ranked by; every other can be scored.
    unordered = CLOSED_FORMS[name].constant == INVALID and isinstance(row, CALIBRATION["constant"])
    assert scored.valid.tolist() == [not unordered] * 4
    assert scored.value.isfinite().all()
    if compared:
        torch.testing.assert_close(scored.value, scored.chance, rtol=0, atol=1e-12)
