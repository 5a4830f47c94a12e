"""Every line of docs/bad-input.md: what is said to happen happens, and nothing is said that is not tried here."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from peephole.attributions.randomised import randomised, stages
from peephole.errors import PeepholeError
from peephole.leaderboard.base import METRICS, ComparisonMetric, MapMetric, Metric, Probes, Scored
from peephole.leaderboard.bimodality import bimodality
from peephole.leaderboard.bootstrap import mean_interval, resample_weights
from peephole.leaderboard.examined import Examined
from peephole.leaderboard.known_probes import noise, varied_probes
from peephole.leaderboard.ranks import average_ranks
from peephole.leaderboard.relevance import to_picture
from peephole.leaderboard.scoring import score_maps

LINES = re.findall(
    r"^\| (.+?) \| (.+?) \|$",
    (Path(__file__).parents[2] / "docs" / "bad-input.md")
    .read_text(encoding="utf-8")
    .partition("## Submitted methods")[0],  # which tests/submissions/test_bad_submissions.py tries
    flags=re.MULTILINE,
)
TABLE = {case: answer for case, answer in LINES if case not in ("What", ":--")}
CASES: dict[str, Callable[[], str]] = {}


def case(what: str) -> Callable[[Callable[[], str]], Callable[[], str]]:
    """Enter a function that tries the case of this line and gives what happened."""

    def enter(attempt: Callable[[], str]) -> Callable[[], str]:
        assert what not in CASES
        CASES[what] = attempt
        return attempt

    return enter


def pictures(targets: int = 1, truth: str = "mask") -> Probes:
    return varied_probes("mask" if truth == "mask" else "soft", targets, 4)


def score(name: str, maps: Tensor | None = None, probes: Probes | None = None) -> Scored:
    probes = probes or pictures()
    metric = METRICS[name]()
    assert isinstance(metric, MapMetric)
    relevance = noise(probes, 0) if maps is None else maps
    return metric.score(relevance.unsqueeze(2) if metric.channels and relevance.dim() == 4 else relevance, probes)


def compare(name: str, maps: Tensor, others: Tensor, probes: Probes) -> Scored:
    metric = METRICS[name]()
    assert isinstance(metric, ComparisonMetric)
    return metric.compare(maps, others, probes)


def refused(attempt: Callable[[], object]) -> str:
    with pytest.raises(PeepholeError) as caught:
        attempt()
    assert "\n" not in str(caught.value)
    return f"error: `{caught.value}`"


def invalid(names: Sequence[str], maps: Tensor, truth: str = "mask") -> None:
    """All maps are invalid, and score chance."""
    for name in names:
        targets = 2 if name == "class_sensitivity" else 1
        scored = score(name, maps.expand(-1, targets, -1, -1), pictures(targets, truth))
        assert not scored.valid.any(), name
        assert scored.value.equal(scored.chance), name


def spoilt(value: float) -> Tensor:
    maps = noise(pictures(), 0)
    maps[1, 0, 2, 3] = value
    return maps


def flat(value: float) -> Tensor:
    return torch.full((4, 1, 12, 12), value)


def with_mask(mask: Tensor) -> Probes:
    return replace(pictures(), mask=mask, exact=mask)


def ones() -> Tensor:
    return torch.ones((4, 1, 12, 12), dtype=torch.bool)


MASKED = ("class_sensitivity", "completeness", "ebpg", "fine_grained", "truth_auprc")
CURVES = ("morf", "lerf", "restore", "insert")
KEYS = ("kis", "insertion", "insertion_abs")


@case("A map with NaN")
def _() -> str:
    return refused(lambda: score("fine_grained", spoilt(math.nan)))


@case("A map with infinity")
def _() -> str:
    return refused(lambda: score("fine_grained", spoilt(-math.inf)))


@case("Maps that are not as wide as the pictures")
def _() -> str:
    return refused(lambda: score("fine_grained", noise(pictures(), 0)[..., :-1]))


@case("Maps of fewer pictures than there are")
def _() -> str:
    return refused(lambda: score("morf", noise(pictures(), 0)[:3]))


@case("Maps of whole numbers")
def _() -> str:
    return refused(lambda: to_picture(torch.zeros((4, 1, 1, 3, 3), dtype=torch.int64), (12, 12)))


@case("Maps of two channels, of pictures that have three")
def _() -> str:
    return refused(lambda: score("kis", torch.ones((4, 1, 2, 12, 12))))


@case("Pictures too large to rank their pixels")
def _() -> str:
    return refused(lambda: average_ranks(torch.zeros((1, 1, 1024, 1025), dtype=torch.float64)))


@case("A map of zeros")
def _() -> str:
    invalid([*MASKED, *CURVES, *KEYS, "input_alignment"], flat(0.0))
    invalid(["truth_spearman"], flat(0.0), "soft")
    return "invalid: the picture scores chance and is counted in `n_invalid`"


@case("A map of nothing but negative relevance")
def _() -> str:
    maps = -noise(pictures(), 0)
    invalid([*MASKED, *CURVES], maps)
    invalid(["truth_spearman"], maps, "soft")
    assert all(score(name, maps).valid.all() for name in (*KEYS, "input_alignment"))
    readers = "`kis`, `insertion`, `insertion_abs`, `input_alignment`, `sanity_*`"
    return f"invalid, except for metrics that read signs ({readers})"


@case("A map that is positive and the same everywhere, scored by mass")
def _() -> str:
    for name in ("fine_grained", "ebpg"):
        scored = score(name, flat(0.3))
        assert scored.valid.all()
        torch.testing.assert_close(scored.value, scored.chance, rtol=1e-14, atol=0)
    return "valid, and exactly chance"


@case("The same, by `completeness`")
def _() -> str:
    assert score("completeness", flat(0.3)).value.tolist() == [1.0] * 4
    return "1: all of the mark is filled; the metric asks nothing else"


@case("The same, by `truth_auprc`")
def _() -> str:
    scored = score("truth_auprc", flat(0.3))
    assert scored.valid.all()
    assert (scored.value < scored.chance).all()
    torch.testing.assert_close(scored.value, pictures().truth.double().mean(dim=(1, 2, 3)))
    return "valid; the mask's share of the picture, a little below chance"


@case("The same, by `truth_spearman`, `kis`, `insertion` or `insertion_abs`")
def _() -> str:
    invalid(KEYS, flat(0.3))
    invalid(["truth_spearman"], flat(0.3), "soft")
    return "invalid: it has no order, no range, nothing above its mean"


@case("The same, by `sanity_*`")
def _() -> str:
    probes = pictures()
    for name in ("sanity_top_down", "sanity_bottom_up", "sanity_independent"):
        scored = compare(name, flat(0.3), noise(probes, 1).unsqueeze(0), probes)
        assert not scored.valid.any()
        assert scored.value.tolist() == [1.0] * 4
    return "invalid, and 1: as bad as a map that does not look at the network"


@case("A map of a randomised network that is the same everywhere")
def _() -> str:
    probes = pictures()
    scored = compare("sanity_top_down", noise(probes, 0), flat(0.3).unsqueeze(0), probes)
    assert scored.valid.all()
    assert scored.value.tolist() == [0.0] * 4
    return "a correlation of 0: what the map said is gone"


@case("A map of zeros for the clean twin")
def _() -> str:
    probes = pictures()
    silent = compare("twin_difference", probes.truth, flat(0.0).unsqueeze(0), probes)
    assert silent.valid.all()
    assert silent.value.tolist() == pytest.approx([1.0] * 4, abs=1e-12)
    return "counts as chance: to find nothing there is right"


@case("Maps of two clean twins")
def _() -> str:
    probes = pictures()
    return refused(lambda: compare("twin_difference", flat(1.0), flat(1.0).expand(2, -1, -1, -1, -1), probes))


@case("No maps of randomised networks")
def _() -> str:
    return refused(lambda: compare("sanity_top_down", flat(1.0), torch.zeros((0, 4, 1, 12, 12)), pictures()))


@case("A truth mask that is empty")
def _() -> str:
    mask = pictures().truth.bool()
    mask[2] = False
    return refused(lambda: score("fine_grained", None, with_mask(mask)))


@case("A truth mask over the whole picture")
def _() -> str:
    answers = {
        refused(lambda name=name: score(name, None, with_mask(ones()))) for name in ("fine_grained", "truth_auprc")
    }
    assert len(answers) == 1
    return answers.pop()


@case("The same, by `ebpg`; or a bounding box over more than half of the picture")
def _() -> str:
    mask = ones()
    mask[1, ..., 7:], mask[2, ..., 6:] = False, False
    scored = score("ebpg", None, with_mask(mask))
    assert scored.scored is not None
    assert scored.scored.tolist() == [False, False, True, False]
    return "left out, whatever the map; a box over exactly half stays"


@case("A truth mask of one pixel, by `completeness`")
def _() -> str:
    mask = ~ones()
    mask[..., 0, 0] = True
    return refused(lambda: score("completeness", None, with_mask(mask)))


@case("Probes without a mask, for a metric that needs one")
def _() -> str:
    return refused(lambda: score("fine_grained", None, pictures(truth="soft")))


@case("Probes without a soft truth, for a metric that needs one")
def _() -> str:
    return refused(lambda: score("truth_spearman", None, pictures()))


@case("Probes without any truth")
def _() -> str:
    return refused(lambda: replace(pictures(), mask=None))


@case("A soft truth that is the same everywhere")
def _() -> str:
    return refused(lambda: score("truth_spearman", None, replace(pictures(truth="soft"), soft=flat(0.5))))


@case("A picture that the trigger left as it was, by `restore` or `insert`")
def _() -> str:
    probes = pictures()
    same = replace(probes, image=torch.cat([probes.clean[:1], probes.image[1:]]))
    answers = {refused(lambda name=name: score(name, None, same)) for name in ("restore", "insert")}
    assert len(answers) == 1
    return answers.pop()


@case("A trigger with two targets, by `morf`, `lerf`, `restore` or `insert`")
def _() -> str:
    answers = {refused(lambda name=name: score(name, None, pictures(2))) for name in CURVES}
    assert len(answers) == 1
    return answers.pop()


@case("A trigger with two targets, by `kis`, `insertion` or `insertion_abs`")
def _() -> str:
    answers = {refused(lambda name=name: score(name, None, pictures(2))) for name in KEYS}
    assert len(answers) == 1
    return answers.pop()


@case("A trigger with one target, by `class_sensitivity`")
def _() -> str:
    return refused(lambda: score("class_sensitivity"))


@case("A network without a linear layer, by `kis`, `insertion` or `insertion_abs`")
def _() -> str:
    convolution = nn.Sequential(nn.Conv2d(3, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    probes = replace(pictures(), network=Examined(nn.Identity(), convolution))
    answers = {refused(lambda name=name: score(name, None, probes)) for name in KEYS}
    assert len(answers) == 1
    return answers.pop()


@case("A network whose last features are all zero for a picture, by `kis`, `insertion` or `insertion_abs`")
def _() -> str:
    probes = pictures()
    dark = replace(probes, image=torch.cat([probes.clean[:1], probes.image[1:]]))
    for name in KEYS:
        scored = score(name, None, dark)
        assert scored.scored is not None
        assert scored.scored.tolist() == [False, True, True, True]
    return "left out, whatever the map: it has no S"


@case("No network, for a metric that asks one")
def _() -> str:
    return refused(lambda: score("morf", None, replace(pictures(), network=None)))


@case("A curve of no steps")
def _() -> str:
    return refused(lambda: Examined(nn.Identity(), nn.Identity(), steps=0))


@case("A derived metric without one of its parts")
def _() -> str:
    metrics: dict[str, Metric] = {name: METRICS[name]() for name in ("morf", "morf_minus_lerf")}
    return refused(lambda: score_maps(metrics, noise(pictures(), 0).unsqueeze(2), pictures()))


@case("A comparison without maps of other networks")
def _() -> str:
    metrics: dict[str, Metric] = {"sanity_top_down": METRICS["sanity_top_down"]()}
    return refused(lambda: score_maps(metrics, noise(pictures(), 0).unsqueeze(2), pictures()))


@case("A stage that the network has not, to be randomised")
def _() -> str:
    network = nn.Sequential(nn.Conv2d(3, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 2))
    return refused(lambda: randomised(network, ["head"], 0))


@case("A network without weights, to be randomised")
def _() -> str:
    return refused(lambda: stages(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())))


@case("An interval from one picture")
def _() -> str:
    mean, low, high = mean_interval([[0.25]])
    assert mean == 0.25
    assert math.isnan(low)
    assert math.isnan(high)
    return "the mean, and no interval: both ends are NaN, an empty field in a table"


@case("A clustered interval from one seed")
def _() -> str:
    values = np.random.default_rng(0).random(40)
    mean, low, high = mean_interval([values])
    assert low < mean < high
    weights = resample_weights([40])
    assert np.unique(np.round(weights * 40, 9) % 1).tolist() == [0], "each resample draws the one model's pictures"
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 40**0.5, rel=0.1)
    return "an interval over that model's pictures; it says nothing of other seeds"


@case("An interval from no pictures, or of a model that has none")
def _() -> str:
    refused(lambda: mean_interval([]))
    return refused(lambda: mean_interval([[0.5, 0.6], []]))


@case("Bimodality of a constant sample")
def _() -> str:
    found = bimodality([0.3] * 50)
    assert math.isnan(found.dip_p)
    assert not found.is_bimodal(found.dip_p)
    return f"not bimodal; every test is NaN, with the reason `{found.reason}`"


@case("Bimodality of a sample of fewer than 20")
def _() -> str:
    found = bimodality([0.0, 1.0] * 6)
    assert math.isnan(found.dip_p)
    assert not found.is_bimodal(found.dip_p)
    return f"not bimodal; every test is NaN, with the reason `{found.reason}`"


@case("Bimodality of a sample with NaN or infinity")
def _() -> str:
    refused(lambda: bimodality([*range(30), math.inf]))
    return refused(lambda: bimodality([*range(30), math.nan]))


@pytest.mark.parametrize("what", sorted(CASES.keys() | TABLE.keys()))
def test_what_is_said_to_happen_happens(what: str) -> None:
    assert what in TABLE, "docs/bad-input.md has no such line"
    assert what in CASES, "no case here tries this line"
    assert CASES[what]() == TABLE[what]
