"""Twin difference: found on the poisoned network, and not on its twin."""

from collections.abc import Callable

import pytest
import torch

from peephole.errors import PeepholeError
from peephole.leaderboard.base import MapMetric, Probes
from peephole.leaderboard.metrics.truth_auprc import TruthAuprc
from peephole.leaderboard.metrics.truth_spearman import TruthSpearman
from peephole.leaderboard.metrics.twin_difference import TwinDifference

Make = Callable[..., Probes]


@pytest.fixture(params=["mask", "soft"])
def probes(request: pytest.FixtureRequest, probes_of: Make, soft_probes_of: Make) -> Probes:
    soft = torch.rand((4, 2, 7, 6), generator=torch.Generator().manual_seed(0))
    return probes_of(soft > 0.8) if request.param == "mask" else soft_probes_of(soft)


def maps(seed: int) -> torch.Tensor:
    return torch.randn((4, 2, 7, 6), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_is_the_difference_of_what_is_above_chance(probes: Probes) -> None:
    metric: MapMetric = TruthSpearman() if probes.mask is None else TruthAuprc()
    here, there = metric.score(maps(1), probes), metric.score(maps(2), probes)
    scored = TwinDifference().compare(maps(1), maps(2).unsqueeze(0), probes)
    for n in range(4):
        chance = here.chance[n].item()
        expected = (here.value[n].item() - chance) / (1 - chance) - (there.value[n].item() - chance) / (1 - chance)
        assert scored.value[n].item() == pytest.approx(expected, abs=1e-13)
    assert scored.chance.tolist() == [0] * 4
    assert scored.valid.all()


def test_a_map_that_ignores_the_network_scores_exactly_nothing(probes: Probes) -> None:
    for relevance in (probes.truth, maps(5), 1 - probes.truth):
        assert TwinDifference().compare(relevance, relevance.unsqueeze(0), probes).value.tolist() == [0.0] * 4


def test_finding_all_here_and_nothing_on_the_twin_is_best(probes: Probes) -> None:
    silent = torch.zeros((1, *probes.truth.shape))
    scored = TwinDifference().compare(probes.truth, silent, probes)
    assert scored.value.tolist() == pytest.approx([1.0] * 4, abs=1e-13)
    assert scored.valid.all()


def test_finding_it_on_the_twin_alone_is_as_bad(probes: Probes) -> None:
    scored = TwinDifference().compare(maps(3), probes.truth.unsqueeze(0), probes)
    assert (scored.value < 0).all()


def test_a_map_that_is_invalid_here_scores_nothing_whatever_the_twin_has(probes: Probes) -> None:
    relevance = maps(4)
    relevance[2, 0] = -1
    scored = TwinDifference().compare(relevance, probes.truth.unsqueeze(0), probes)
    assert scored.valid.tolist() == [True, True, False, True]
    assert scored.value[2] == 0


@pytest.mark.parametrize("twins", [0, 2])
def test_there_is_one_twin(probes: Probes, twins: int) -> None:
    with pytest.raises(PeepholeError, match="give the maps of one clean twin"):
        TwinDifference().compare(maps(0), maps(0).expand(twins, -1, -1, -1, -1), probes)
