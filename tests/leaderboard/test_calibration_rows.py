"""Calibration maps and their scores, in closed form."""

import math
from collections.abc import Callable

import pytest
import torch

from peephole.leaderboard.base import Probes
from peephole.leaderboard.calibration.anti_oracle import AntiOracle
from peephole.leaderboard.calibration.centre import Centre
from peephole.leaderboard.calibration.constant import Constant
from peephole.leaderboard.calibration.edges import Edges
from peephole.leaderboard.calibration.oracle import Oracle
from peephole.leaderboard.calibration.random import Random
from peephole.leaderboard.metrics.completeness import Completeness
from peephole.leaderboard.metrics.fine_grained import FineGrained
from peephole.leaderboard.metrics.truth_auprc import TruthAuprc
from peephole.leaderboard.metrics.truth_spearman import TruthSpearman


@pytest.fixture
def corner(probes_of: Callable[..., Probes], corner_mask: Callable[..., torch.Tensor]) -> Probes:
    return probes_of(corner_mask(4, 16, 6))


def test_oracle_and_anti_oracle_share_the_picture_out(corner: Probes) -> None:
    oracle, anti = Oracle().maps(corner, 0), AntiOracle().maps(corner, 0)
    assert oracle.equal(corner.mask.float())
    assert (oracle + anti).equal(torch.ones_like(oracle))
    assert FineGrained().score(anti, corner).value.tolist() == [0.0] * 4
    assert Completeness().score(anti, corner).value.tolist() == [0.0] * 4


def test_a_soft_truth_is_taken_as_it_is(soft_probes_of: Callable[..., Probes]) -> None:
    soft = torch.rand((3, 1, 6, 6), generator=torch.Generator().manual_seed(2))
    probes = soft_probes_of(soft)
    assert Oracle().maps(probes, 0).equal(soft)
    assert AntiOracle().maps(probes, 0).equal(1 - soft)
    assert TruthSpearman().score(Oracle().maps(probes, 0), probes).value.tolist() == [1.0] * 3
    assert TruthSpearman().score(AntiOracle().maps(probes, 0), probes).value.tolist() == pytest.approx([-1.0] * 3)
    even = TruthSpearman().score(Constant().maps(probes, 0), probes)
    assert not even.valid.any()
    assert even.value.tolist() == [0.0] * 3


def test_constant_and_anti_oracle_rank_the_mask_as_one_with_the_rest(corner: Probes) -> None:
    for row in (Constant(), AntiOracle()):
        assert TruthAuprc().score(row.maps(corner, 0), corner).value.tolist() == pytest.approx([36 / 256] * 4)
    assert TruthAuprc().score(Oracle().maps(corner, 0), corner).value.tolist() == [1.0] * 4


def test_constant_is_chance_for_shares_and_best_for_completeness(corner: Probes) -> None:
    constant = Constant().maps(corner, 0)
    assert FineGrained().score(constant, corner).value.tolist() == pytest.approx([36 / 256] * 4, abs=1e-15)
    assert Completeness().score(constant, corner).value.tolist() == [1.0] * 4


def test_random_depends_on_the_seed_alone(corner: Probes) -> None:
    first = Random().maps(corner, 3)
    assert first.equal(Random().maps(corner, 3))
    assert not first.equal(Random().maps(corner, 4))
    assert first.min() >= 0
    assert first.max() < 1
    assert not first[0].equal(first[1])


def test_the_centre_share_of_a_corner_is_a_product_of_profiles(corner: Probes) -> None:
    profile = [math.exp(-0.5 * ((i - 7.5) / 4) ** 2) for i in range(16)]
    share = (sum(profile[:6]) / sum(profile)) ** 2
    scored = FineGrained().score(Centre().maps(corner, 0), corner)
    assert scored.value.tolist() == pytest.approx([share] * 4, rel=1e-6)
    completeness = (sum(profile[:6]) / (6 * profile[5])) ** 2
    assert Completeness().score(Centre().maps(corner, 0), corner).value.tolist() == pytest.approx(
        [completeness] * 4, rel=1e-6
    )


def test_the_centre_is_symmetric_and_peaks_in_the_middle(probes_of: Callable[..., Probes]) -> None:
    mask = torch.zeros((1, 1, 9, 15), dtype=torch.bool)
    mask[..., 0, 0] = True
    bump = Centre().maps(probes_of(mask), 0)
    assert bump.equal(bump.flip(-1))
    assert bump.equal(bump.flip(-2))
    assert bump.flatten().argmax() == 4 * 15 + 7


def slow_sobel(grey: list[list[float]]) -> list[list[float]]:
    height, width = len(grey), len(grey[0])

    def at(i: int, j: int) -> float:
        return grey[min(max(i, 0), height - 1)][min(max(j, 0), width - 1)]

    def one(i: int, j: int) -> float:
        weights = {-1: 1, 0: 2, 1: 1}
        x = sum(weight * (at(i + k, j + 1) - at(i + k, j - 1)) for k, weight in weights.items())
        y = sum(weight * (at(i + 1, j + k) - at(i - 1, j + k)) for k, weight in weights.items())
        return math.hypot(x, y)

    return [[one(i, j) for j in range(width)] for i in range(height)]


def test_edges_equal_the_slow_sobel(corner: Probes) -> None:
    maps = Edges().maps(corner, 0)
    for n in range(2):
        expected = slow_sobel(corner.image[n].mean(dim=0).tolist())
        torch.testing.assert_close(maps[n, 0], torch.tensor(expected), rtol=1e-5, atol=1e-6)


def test_edges_of_a_white_square_on_black_score_in_closed_form(corner_mask: Callable[..., torch.Tensor]) -> None:
    mask = corner_mask(1, 16, 6)
    image = mask.float().expand(1, 3, 16, 16)
    probes = Probes(image, torch.zeros_like(image), mask, mask, torch.zeros((1, 1), dtype=torch.int64))
    scored = FineGrained().score(Edges().maps(probes, 0), probes)
    # Along each of the two straight sides five pixels inside and five outside have magnitude 4. Around the corner the
    # pixel inside sees differences (-3, -3), the two beside it (-3, -1), and the one outside (-1, -1).
    inside = 2 * 5 * 4 + math.hypot(3, 3)
    outside = 2 * 5 * 4 + 2 * math.hypot(3, 1) + math.hypot(1, 1)
    assert scored.value.item() == pytest.approx(inside / (inside + outside), rel=1e-6)


@pytest.mark.parametrize("grey", [0.0, 1 / 3, 0.1, 0.77])
def test_a_flat_picture_has_no_edges_at_all(grey: float, corner_mask: Callable[..., torch.Tensor]) -> None:
    mask = corner_mask(1, 16, 6)
    image = torch.full((1, 3, 16, 16), grey)
    probes = Probes(image, image, mask, mask, torch.zeros((1, 1), dtype=torch.int64))
    maps = Edges().maps(probes, 0)
    assert not maps.any()
    assert not Completeness().score(maps, probes).valid.any()
