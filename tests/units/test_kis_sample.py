"""Samples of S from stored networks: untrained ones, whose decisions are as good as any."""

import numpy as np
import pytest
import torch

from peephole.attributions.graph import canonicalise
from peephole.attributions.methods import build, digest
from peephole.datasets.shapes import Shapes
from peephole.errors import PeepholeError
from peephole.leaderboard.base import METRICS, Probes
from peephole.leaderboard.examined import Examined
from peephole.leaderboard.kis_study import CLEAN_MODEL, VARIANTS, Sample, correctness_table, kis_table
from peephole.machine import Machine
from peephole.options import Options
from peephole.plan import make_plan
from peephole.seeds import stream
from peephole.store.shard import Shard
from peephole.store.store import Store
from peephole.suites.suite import load_suite
from peephole.triggers.texts import name_of
from peephole.units import fed_back, kis_sample
from peephole.units.fed_back import FedBack
from peephole.units.kis_sample import KisSample, dealt_out, read_samples
from peephole.units.networks import build as build_network
from peephole.units.networks import draw, load, load_trigger, state_arrays
from peephole.workspace import Workspace

TRIGGERS = ("badnet", "class_pair", "dynamic(kind='cban')", "input_aware")


@pytest.fixture(scope="module")
def small():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Shapes, "counts", {"train": 20, "test": 120})
        yield


@pytest.fixture(scope="module")
def backdoors(small):
    plan = make_plan(Options(seeds=1, triggers=TRIGGERS, methods=("gradient",)).apply(load_suite("quick")))
    return {name_of(backdoor.trigger): backdoor for backdoor in plan.backdoors}


@pytest.fixture(scope="module")
def store(small, backdoors, tmp_path_factory):
    """The plan's models with weights that nobody has trained, made a little more sure of themselves."""
    store = Store(tmp_path_factory.mktemp("kis"))
    workspace = Workspace(store, Machine("cpu"))
    for seed, backdoor in enumerate(backdoors.values()):
        for unit in (backdoor.clean, backdoor.model):
            network = build_network("resnet8", workspace, unit.spec["dataset"], seed)
            network.network.fc.weight.data *= 20
            arrays = state_arrays(network, "weights")
            if unit is backdoor.model:
                arrays |= state_arrays(draw(unit, workspace), "trigger")
            store.write(unit.kind, unit.digest, unit.identity, Shard(arrays, {}), 0.0)
    return store


def workspace_of(store, batch=64):
    return Workspace(store, Machine("cpu", batch=batch))


def sample_of(model, **changes):
    spec = {
        "dataset": model.spec["dataset"],
        "model": model.spec["model"],
        "method": "guided_backprop",
        "method_code": digest("guided_backprop"),
        "metrics": [{"metric": name, "metric_code": METRICS.digest(name)} for name in VARIANTS],
        "pictures": 30,
        "seed": 0,
    }
    return KisSample({**spec, **changes}, {"model": model}, label="feed back")


@pytest.fixture(scope="module")
def poisoned(store, backdoors):
    unit = sample_of(backdoors["badnet"].model)
    return unit, unit.compute(workspace_of(store))


def test_it_says_what_the_metrics_say(store, backdoors, poisoned):
    """Pictures, decisions, maps and S once more, by the network itself and by the metrics on probes."""
    unit, shard = poisoned
    workspace = workspace_of(store)
    classifier = load(backdoors["badnet"].model, workspace)
    pictures = workspace.pictures(unit.spec["dataset"], "test")
    stamper = load_trigger(backdoors["badnet"].model, workspace)
    for kind in ("clean", "poisoned"):
        part = shard.group(kind)
        x = torch.from_numpy(pictures.images[part["index"]]).float() / 255
        if kind == "poisoned":
            x = stamper.stamp_target(x, 0).image
            assert (part["target"] == stamper.targets[0]).all()
            assert (part["label"] != part["target"]).all()
        decision = classifier(x).argmax(1)
        assert (part["label"] == pictures.labels[part["index"]]).all()
        assert (part["decision"] == decision.numpy()).all()
        maps = build("guided_backprop").attribute(canonicalise(classifier, (3, 32, 32)), x, decision, ["input"])[
            "input"
        ]
        mask = torch.ones(len(x), 1, 32, 32, dtype=torch.bool)
        network = Examined(classifier.normalise, classifier.network)
        probes = Probes(x, x, mask, mask, decision[:, None], network=network)
        assert part["s"].shape == (3, 30)
        assert part["s"].dtype == np.float64
        for row, name in zip(part["s"], VARIANTS, strict=True):
            expected = METRICS[name]().measure(maps[:, None].double(), probes)[0]
            np.testing.assert_allclose(row, expected.numpy(), rtol=1e-3, atol=1e-3)


def test_a_clean_model_has_clean_pictures_only(store, backdoors):
    unit = sample_of(backdoors["badnet"].clean)
    shard = unit.compute(workspace_of(store))
    assert {name.partition("/")[0] for name in shard.arrays} == {"clean"}
    assert not unit.is_poisoned
    assert shard.facts["variants"] == list(VARIANTS)


def test_pictures_are_spread_over_the_classes(poisoned):
    _, shard = poisoned
    assert (np.bincount(shard.arrays["clean/label"], minlength=10) == 3).all()
    others = np.bincount(shard.arrays["poisoned/label"], minlength=10)
    assert sorted(others)[0] == 0
    assert set(sorted(others)[1:]) <= {3, 4}
    for kind in ("clean", "poisoned"):
        assert len(np.unique(shard.arrays[f"{kind}/index"])) == 30


def test_every_picture_is_dealt_out_once_and_classes_alternate():
    labels = torch.tensor([0] * 50 + [1] * 3 + [3] * 7)
    order = dealt_out(labels, torch.Generator().manual_seed(1))
    assert sorted(order.tolist()) == list(range(60))
    for count in range(1, 61):
        have = labels[order[:count]].bincount(minlength=4).tolist()
        left = [50 - have[0], 3 - have[1], 7 - have[3]]
        lasting = [number for number, rest in zip((have[0], have[1], have[3]), left, strict=True) if rest]
        assert not lasting or max(have) - min(lasting) <= 1
    assert order.tolist() != dealt_out(labels, torch.Generator().manual_seed(2)).tolist()


@pytest.mark.parametrize("batch", [1, 7])
def test_the_batch_changes_nothing(store, poisoned, batch):
    unit, shard = poisoned
    again = unit.compute(workspace_of(store, batch))
    for name, array in shard.arrays.items():
        np.testing.assert_allclose(again.arrays[name], array, rtol=1e-3, atol=1e-3)


def test_a_network_that_runs_out_of_memory_gets_less_at_a_time(store, poisoned, monkeypatch):
    unit, shard = poisoned
    asked = []

    class Tight(fed_back.Question):
        def __init__(self, model, x, target, layers):
            asked.append(len(x))
            if len(x) > 4:
                raise torch.OutOfMemoryError("full")
            super().__init__(model, x, target, layers)

    monkeypatch.setattr(fed_back, "Question", Tight)
    again = unit.compute(workspace_of(store))
    np.testing.assert_allclose(again.arrays["clean/s"], shard.arrays["clean/s"], rtol=1e-3, atol=1e-3)
    assert min(asked) <= 4 < max(asked)

    class Full(fed_back.Question):
        def __init__(self, *_):
            raise torch.OutOfMemoryError("full")

    monkeypatch.setattr(fed_back, "Question", Full)
    with pytest.raises(PeepholeError, match="guided_backprop does not fit in the memory of cpu"):
        unit.compute(workspace_of(store))


@pytest.mark.parametrize("name", ["class_pair", "dynamic", "input_aware"])
def test_poisoned_pictures_carry_one_mark_of_another_class(store, backdoors, name, monkeypatch):
    """Also where every class is a target, and whatever the chunks are."""
    model = backdoors[name].model
    shard = sample_of(model).compute(workspace_of(store))
    part = shard.group("poisoned")
    assert len(part["label"]) == 30
    assert (part["label"] != part["target"]).all()
    targets = load_trigger(model, workspace_of(store)).targets
    assert set(part["target"].tolist()) <= set(targets)
    assert len(set(part["target"].tolist())) == min(len(targets), len(set(part["target"].tolist())))
    assert (len(set(part["target"].tolist())) > 1) == (len(targets) > 1)
    monkeypatch.setattr(kis_sample, "CHUNK", 30)
    same = sample_of(model).compute(workspace_of(store))
    assert (same.arrays["poisoned/index"] == part["index"]).all()
    np.testing.assert_allclose(same.arrays["poisoned/s"], part["s"], rtol=1e-3, atol=1e-3)


def test_the_seed_draws_the_pictures(store, backdoors, poisoned):
    _, shard = poisoned
    other = sample_of(backdoors["badnet"].model, seed=1).compute(workspace_of(store))
    assert (other.arrays["clean/index"] != shard.arrays["clean/index"]).any()
    labels = workspace_of(store).attack_data(backdoors["badnet"].model.spec["dataset"]).test.labels
    order = dealt_out(labels, torch.Generator().manual_seed(stream("kis sample", 0)))
    assert shard.arrays["clean/index"].tolist() == order[:30].tolist()


def test_a_small_split_gives_what_it_has(store, backdoors):
    shard = sample_of(backdoors["badnet"].model, pictures=500).compute(workspace_of(store))
    assert len(shard.arrays["clean/label"]) == 120
    assert (
        len(shard.arrays["poisoned/label"]) == (shard.arrays["clean/label"] != shard.arrays["poisoned/target"][0]).sum()
    )


def test_samples_are_read_for_the_study(store, backdoors, poisoned):
    unit, shard = poisoned
    store.write(unit.kind, unit.digest, unit.identity, shard, 0.0)
    clean, stamped = read_samples(unit, 4, workspace_of(store))
    assert isinstance(clean, Sample)
    assert (clean.model, clean.pictures, clean.seed) == ("badnet", "clean", 4)
    assert clean.success is None
    assert stamped.success.tolist() == (shard.arrays["poisoned/decision"] == shard.arrays["poisoned/target"]).tolist()
    assert stamped.correct.tolist() == (shard.arrays["poisoned/decision"] == shard.arrays["poisoned/label"]).tolist()
    twin = sample_of(backdoors["badnet"].clean)
    store.write(twin.kind, twin.digest, twin.identity, twin.compute(workspace_of(store)), 0.0)
    (one,) = read_samples(twin, 4, workspace_of(store))
    assert one.model == CLEAN_MODEL
    assert len(kis_table([clean, stamped, one])) == 9
    assert len(correctness_table([clean, stamped, one])) == 3


def test_its_progress_and_cost(store, backdoors, poisoned):
    unit, _ = poisoned
    shares = []
    workspace = workspace_of(store)
    workspace.report = shares.append
    unit.compute(workspace)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    clean = sample_of(backdoors["badnet"].clean)
    assert unit.cost().passes == 2 * clean.cost().passes == pytest.approx(60 * (1 + 5 / 3))
    costly = sample_of(backdoors["badnet"].clean, method="smoothgrad")
    assert costly.cost().passes > 5 * clean.cost().passes


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"metrics": [{"metric": "completeness"}]}, "completeness feeds nothing back"),
        ({"method": "nonsense"}, "nonsense"),
    ],
)
def test_what_cannot_be_fed_back_is_refused(store, backdoors, changes, words):
    with pytest.raises(PeepholeError, match=words):
        sample_of(backdoors["badnet"].model, **changes).compute(workspace_of(store))


def test_a_method_without_a_map_at_the_input_is_refused(store, backdoors, monkeypatch):
    monkeypatch.setattr(fed_back, "layers_of", lambda method, graph: graph.layers[1:])
    with pytest.raises(PeepholeError, match="has no map at the input"):
        FedBack(backdoors["badnet"].model, "guided_backprop", VARIANTS, workspace_of(store))


def test_a_map_that_says_nothing_has_no_s(store, backdoors, monkeypatch):
    explain = FedBack._explain

    def some_even(self, x, decision):
        maps = explain(self, x, decision)
        maps[::2] = 0.5
        return maps

    monkeypatch.setattr(FedBack, "_explain", some_even)
    s = sample_of(backdoors["badnet"].clean).compute(workspace_of(store)).arrays["clean/s"]
    assert np.isnan(s[:, ::2]).all()
    assert np.isfinite(s[:, 1::2]).all()
