"""What every registered calibration row promises."""

from dataclasses import fields

import pytest
import torch

from peephole.leaderboard.base import CALIBRATION, METRICS, Calibration, Probes


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
    every = {field.name: getattr(truth, field.name) for field in fields(Probes)}
    return Probes(**{name: value if value is None else value[:count] for name, value in every.items()})


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


@pytest.mark.parametrize("metric", METRICS.names())
def test_every_metric_scores_it(row: Calibration, metric: str) -> None:
    truth = probes(4, kind=METRICS[metric].truth)
    scored = METRICS[metric]().score(row.maps(truth, 0), truth)
    # A map without any order has nothing to be ranked by; every other can be scored.
    unordered = metric == "truth_spearman" and isinstance(row, CALIBRATION["constant"])
    assert scored.valid.all() or (unordered and not scored.valid.any())
    assert scored.value.isfinite().all()
