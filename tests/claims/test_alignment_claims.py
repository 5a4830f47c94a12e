"""Claims on alignment: verdicts on planted cosines, statistics by loops, and one way from networks to figures."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from peephole.claims import aligned
from peephole.claims.aligned import FILTERS, RULES
from peephole.claims.base import CLAIMS
from peephole.claims.deep import deep_network, deep_words
from peephole.claims.extent import FULL, QUICK
from peephole.claims.kinds import rules_alike
from peephole.claims.study import Study
from peephole.datasets.shapes import Shapes
from peephole.engines.run import run_units
from peephole.figures.style import paper_style
from peephole.leaderboard.verdict import Verdict
from peephole.machine import Machine
from peephole.options import Options
from peephole.runner import Silent, plan_run
from peephole.store.shard import Shard
from peephole.store.store import Store
from peephole.units.alignment import Aligned
from peephole.units.base import in_order
from peephole.units.networks import build, state_arrays
from peephole.workspace import Workspace

LEVELS = tuple(map(str, range(6)))
LAYERS = ("input", "stem", "a", "b", "c", "d", "e")


def one(methods, places, means, seed, pairs=None):
    """Means ``[M,K]`` with noise over 12 pictures."""
    generator = np.random.default_rng(seed)
    values = np.asarray(means, dtype=float)[:, :, None] + 0.01 * generator.standard_normal((*np.shape(means), 12))
    return Aligned(tuple(methods), LAYERS, tuple(places), values, pairs, None, np.arange(12))


def planted(name, conditions, monkeypatch):
    """Verdicts and estimates of a claim whose units are replaced by what they would have found."""
    claim = CLAIMS[name]()
    module = __import__(type(claim).__module__, fromlist=["x"])
    for function, value in conditions.items():
        monkeypatch.setattr(module, function, lambda study, value=value: value)
    for place in (aligned, module):
        if hasattr(place, "read_alignment"):
            monkeypatch.setattr(place, "read_alignment", lambda unit, workspace: unit)
    study = SimpleNamespace(has=lambda unit: unit is not None, workspace=None)
    found = claim.examine(study)
    verdicts = {
        each.name: Verdict.NOT_TESTED
        if isinstance(found[each.name], str)
        else each.criterion.verdict(found[each.name].low, found[each.name].high)
        for each in claim.expectations
    }
    return verdicts, found


def rising(tops):
    return [np.linspace(0.05, top, 6) for top in tops]


def test_cascades(monkeypatch):
    def conditions(trained, random, deep):
        made = [[one(RULES, LEVELS, rising(tops), seed) for seed in (0, 1)] for tops in (trained, random, deep)]
        return {
            "_models": {"trained weights": made[0], "random weights": made[1]},
            "_deep": {"random weights": made[2]},
        }

    good = conditions((0.4, 0.4, 0.4, 0.6), (0.6, 0.6, 0.6, 0.8), (0.8, 0.8, 0.8, 0.9))
    verdicts, found = planted("cascade_alignment", good, monkeypatch)
    assert set(verdicts.values()) == {Verdict.HOLDS}
    ends = []
    for random, trained in zip(good["_models"]["random weights"], good["_models"]["trained weights"], strict=True):
        for rule in range(4):
            ends += [random.values[rule, 5, p] - trained.values[rule, 5, p] for p in range(12)]
    assert found["random_aligns_better"].value == pytest.approx(sum(ends) / len(ends))
    means = np.mean([unit.values.mean(axis=2) for unit in good["_models"]["trained weights"]], axis=0)
    rows = [sum(means[rule][1:]) / 5 for rule in range(4)]
    assert found["activation_first_trained"].value == pytest.approx(rows[3] - max(rows[:3]))
    bad = conditions((0.4, 0.4, -0.4, 0.2), (0.1, 0.1, 0.1, 0.1), (0.05, 0.8, 0.8, 0.9))
    verdicts, found = planted("cascade_alignment", bad, monkeypatch)
    assert verdicts["grows_trained"] is Verdict.FAILS
    assert found["grows_trained"].value == pytest.approx(-1)
    assert verdicts["activation_first_trained"] is Verdict.FAILS
    assert verdicts["random_aligns_better"] is not Verdict.HOLDS
    assert verdicts["grows_deep"] is not Verdict.HOLDS
    missing = {**good, "_deep": {"random weights": [None, None]}}
    verdicts, found = planted("cascade_alignment", missing, monkeypatch)
    assert verdicts["grows_deep"] is Verdict.NOT_TESTED
    assert "no network could be asked" in found["grows_deep"]
    assert verdicts["grows_trained"] is Verdict.HOLDS


def test_distributions(monkeypatch):
    def conditions(normal, ring, uniform):
        means = {"normal": normal, "ring": ring, "uniform": uniform}
        made = {
            kind: [one(RULES, LEVELS, rising((top, top, top, 0.9)), seed) for seed in (0, 1)]
            for kind, top in means.items()
        }
        return {"_conditions": {"suite": made, "deep": made}}

    assert set(planted("weight_distributions", conditions(0.6, 0.61, 0.4), monkeypatch)[0].values()) == {Verdict.HOLDS}
    verdicts, found = planted("weight_distributions", conditions(0.6, 0.75, 0.65), monkeypatch)
    assert set(verdicts.values()) == {Verdict.FAILS}
    assert found["ring_as_normal"].value == pytest.approx(0.15, abs=0.01)
    assert found["uniform_worse"].value == pytest.approx(-0.05, abs=0.01)


def test_removal(monkeypatch):
    def conditions(trained, anew, removed):
        means = {"trained": trained, "upper_randomised": anew, "upper_removed": removed}
        return {
            "_conditions": {
                name: [one(FILTERS, ("",), [[value]] * 3, seed) for seed in (0, 1)] for name, value in means.items()
            }
        }

    assert set(planted("weight_removal", conditions(0.6, 0.59, 0.3), monkeypatch)[0].values()) == {Verdict.HOLDS}
    verdicts, found = planted("weight_removal", conditions(0.6, 0.3, 0.6), monkeypatch)
    assert set(verdicts.values()) == {Verdict.FAILS}
    assert found["removal_is_worse"].value == pytest.approx(-0.3, abs=0.01)


def test_sizes_of_activations(monkeypatch):
    def conditions(largest, smallest, every):
        whole = [one(FILTERS, ("",), [[every]] * 3, seed) for seed in (0, 1)]
        parts = {
            name: [one(FILTERS, LAYERS[1:], [means] * 3, seed) for seed in (0, 1)]
            for name, means in (("largest", largest), ("smallest", smallest))
        }
        return {"_conditions": {**parts, "all": whole}}

    shrinking = [0.1, 0.1, 0.3, 0.45, 0.49, 0.5]
    verdicts, found = planted("activation_size", conditions([0.5] * 6, shrinking, 0.5), monkeypatch)
    assert set(verdicts.values()) == {Verdict.HOLDS}
    assert found["differs_at_the_bottom"].value == pytest.approx(0.4, abs=0.01)  # two of six layers
    assert found["alike_at_the_top"].value == pytest.approx(0.005, abs=0.01)
    verdicts, _ = planted("activation_size", conditions([0.5] * 6, [0.5, 0.5, 0.4, 0.3, 0.2, 0.1], 0.5), monkeypatch)
    assert set(verdicts.values()) == {Verdict.FAILS}


def with_pairs(between, gradient, picture, seed):
    """Six rules, of which the four filters are so like each other and the gradient."""
    methods = rules_alike.ALL
    generator = np.random.default_rng(seed)
    pairs = np.zeros((len(methods), len(methods), 12))
    places = [methods.index(text) for text in rules_alike.FOUR]
    for first in places:
        for second in places:
            pairs[first, second] = between + 0.01 * generator.standard_normal(12)
        pairs[first, methods.index("gradient")] = gradient
    same = [methods.index(text) for text in rules_alike.SAME]
    pairs[same[0], same[1]] = pairs[same[1], same[0]] = 1.0
    unit = one(methods, ("",), [[picture]] * len(methods), seed, pairs)
    object.__setattr__(unit, "row", methods.index)
    return unit


def test_rules(monkeypatch):
    def conditions(trained, random):
        return {
            "_conditions": {
                "trained": [with_pairs(*trained, seed) for seed in (0, 1)],
                "normal": [with_pairs(*random, seed) for seed in (0, 1)],
            }
        }

    verdicts, found = planted("rules_alike", conditions((0.7, 0.2, 0.3), (0.8, 0.1, 0.6)), monkeypatch)
    assert set(verdicts.values()) == {Verdict.HOLDS}
    assert found["alike_trained"].value == pytest.approx(0.7, abs=0.01)  # without the pair that is the same
    verdicts, _ = planted("rules_alike", conditions((0.3, 0.4, 0.6), (0.2, 0.4, 0.3)), monkeypatch)
    assert set(verdicts.values()) == {Verdict.FAILS}


NAMES = (
    "cascade_alignment",
    "neuron_weights",
    "weight_distributions",
    "weight_removal",
    "activation_size",
    "rules_alike",
)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Shapes, "counts", {"train": 20, "test": 40})
        plan = plan_run("quick", options=Options(triggers=("square",), methods=("gradient",), seeds=1))
        store = Store(tmp_path_factory.mktemp("claims"))
        workspace = Workspace(store, Machine("cpu", batch=4))
        extent = replace(QUICK, pictures=4, draws=2, deep_model="resnet8", deep_side=16, deep_pictures=2, deep_levels=3)
        study = Study(plan, workspace, extent, quick=True)
        for seed, clean in enumerate(study.clean_models):
            shard = Shard(state_arrays(build("resnet8", workspace, clean.spec["dataset"], seed), "weights"), {})
            store.write(clean.kind, clean.digest, clean.identity, shard, 0.0)
        units = in_order([unit for name in NAMES for unit in CLAIMS[name]().units(study)])
        study.available = run_units(units, workspace, Silent()).available
        assert study.available == {unit.digest for unit in units}
        yield study


@pytest.mark.parametrize("name", NAMES)
def test_from_networks_to_verdicts_and_figures(study, name):
    claim = CLAIMS[name]()
    found = claim.examine(study)
    assert set(found) == {each.name for each in claim.expectations}
    assert not [one for one in found.values() if isinstance(one, str)]
    assert all(one.low <= one.value <= one.high for one in found.values())
    with paper_style():
        drawing = claim.draw(study, 7.0)
    assert drawing.figure.get_figwidth() == 7.0
    assert drawing.caption.endswith(".")


@pytest.mark.parametrize("name", NAMES)
def test_without_units_nothing_is_tested(study, name):
    empty = Study(study.plan, study.workspace, study.extent, quick=True)
    claim = CLAIMS[name]()
    assert all(isinstance(answer, str) for answer in claim.examine(empty).values())
    with paper_style():
        assert claim.draw(empty, 7.0) is None


def test_the_deep_network_has_made_pictures_where_imagenet_is_not(study, tmp_path):
    (tmp_path / "imagenet").mkdir()
    full = Study(study.plan, Workspace(study.workspace.store, Machine("cpu"), tmp_path), FULL)
    dataset = deep_network(full)["dataset"]
    assert (dataset["name"], dataset["side"]) == ("shapes", 64)
    assert deep_words(full) == "torchvision_vgg16 on shapes, side 64"
    assert deep_network(study)["dataset"]["side"] == 16
