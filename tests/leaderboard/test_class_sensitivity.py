"""Class sensitivity in closed form."""

from collections.abc import Callable

import pytest
import torch

from peephole.errors import PeepholeError
from peephole.leaderboard.base import Probes
from peephole.leaderboard.metrics.class_sensitivity import ClassSensitivity


@pytest.fixture
def pair() -> torch.Tensor:
    mask = torch.zeros((3, 2, 10, 10), dtype=torch.bool)
    mask[:, 0, :4, :4] = True
    mask[:, 1, 5:, 5:] = True
    return mask


def test_is_the_mean_of_both_shares(probes_of: Callable[..., Probes], pair: torch.Tensor) -> None:
    relevance = torch.zeros((3, 2, 10, 10))
    relevance[:, 0, 0, 0], relevance[:, 0, 9, 9] = 3.0, 1.0  # 3/4 in M0
    relevance[:, 1, 0, 0], relevance[:, 1, 9, 9] = 3.0, 1.0  # 1/4 in M1
    relevance[0, 0, 5, 5] = -100.0
    scored = ClassSensitivity().score(relevance, probes_of(pair))
    assert scored.value.tolist() == [0.5, 0.5, 0.5]
    assert scored.chance.tolist() == pytest.approx([(0.16 + 0.25) / 2] * 3, abs=1e-15)
    assert scored.valid.all()


def test_calibration_maps_in_closed_form(probes_of: Callable[..., Probes], pair: torch.Tensor) -> None:
    probes, metric = probes_of(pair), ClassSensitivity()
    assert metric.score(pair.float(), probes).value.tolist() == [1.0] * 3
    assert metric.score((~pair).float(), probes).value.tolist() == [0.0] * 3
    assert metric.score(pair.flip(1).float(), probes).value.tolist() == [0.0] * 3, "the maps of the two labels swapped"
    constant = metric.score(torch.ones(pair.shape), probes)
    assert constant.value.tolist() == pytest.approx(constant.chance.tolist(), abs=1e-15)


def test_pointing_at_both_corners_alike_scores_by_area(probes_of: Callable[..., Probes], pair: torch.Tensor) -> None:
    both = pair.any(dim=1, keepdim=True).expand(pair.shape).float()
    value = ClassSensitivity().score(both, probes_of(pair)).value
    assert value.tolist() == pytest.approx([0.5 * (16 + 25) / 41] * 3, abs=1e-15)


def test_one_empty_map_makes_the_picture_invalid(probes_of: Callable[..., Probes], pair: torch.Tensor) -> None:
    relevance = pair.float()
    relevance[1, 1] = -1.0
    scored = ClassSensitivity().score(relevance, probes_of(pair))
    assert scored.valid.tolist() == [True, False, True]
    assert scored.value[1] == scored.chance[1]


def test_one_target_is_refused(probes_of: Callable[..., Probes], corner_mask: Callable[..., torch.Tensor]) -> None:
    mask = corner_mask(2, 8, 3)
    with pytest.raises(PeepholeError, match=r"1 target\(s\), expected 2"):
        ClassSensitivity().score(mask.float(), probes_of(mask))
