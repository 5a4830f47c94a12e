"""Probes with a mask, with a soft truth, with both."""

from collections.abc import Callable

import pytest
import torch

from peephole.errors import PeepholeError
from peephole.leaderboard.base import METRICS, Probes

Make = Callable[..., Probes]


@pytest.fixture
def soft() -> torch.Tensor:
    return torch.rand((3, 2, 6, 5), generator=torch.Generator().manual_seed(1))


def test_the_truth_is_the_mask_if_there_is_one(probes_of: Make, soft_probes_of: Make, soft: torch.Tensor) -> None:
    mask = soft > 0.5
    assert probes_of(mask).truth.equal(mask.float())
    assert soft_probes_of(soft).truth.equal(soft)
    probes = probes_of(mask)
    both = Probes(probes.image, probes.clean, mask, mask, probes.target, soft)
    assert both.truth.equal(mask.float())
    assert METRICS["truth_spearman"]().score(soft, both).value.tolist() == [1.0] * 3, "it asks for the soft truth"


def test_no_truth_is_refused(probes_of: Make, soft: torch.Tensor) -> None:
    probes = probes_of(soft > 0.5)
    with pytest.raises(PeepholeError, match="have no truth, expected a mask or a soft truth"):
        Probes(probes.image, probes.clean, None, None, probes.target)


@pytest.mark.parametrize("metric", [name for name in METRICS.names() if METRICS[name].truth != "any"])
def test_a_metric_refuses_the_other_truth_in_one_line(
    probes_of: Make, soft_probes_of: Make, soft: torch.Tensor, metric: str
) -> None:
    wants_mask = METRICS[metric].truth == "mask"
    other = soft_probes_of(soft) if wants_mask else probes_of(soft > 0.5)
    with pytest.raises(PeepholeError, match="score them by") as caught:
        METRICS[metric]().score(soft, other)
    assert "\n" not in str(caught.value)
