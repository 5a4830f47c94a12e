"""Every trigger through every step, in small: what is planted is certified, stored with its trigger, and scored."""

import numpy as np
import pytest
import torch
from PIL import Image

import peephole
from peephole.datasets.shapes import Shapes
from peephole.leaderboard.applicability import metrics_of
from peephole.machine import Machine
from peephole.runner import plan_run
from peephole.store.store import Store
from peephole.suites.suite import load_suite
from peephole.triggers.texts import name_of
from peephole.units.networks import load, load_trigger
from peephole.units.probe_set import read_probes
from peephole.workspace import Workspace

QUICK = load_suite("quick").triggers
TRIGGERS = QUICK[3:]  # the others have their run in test_run.py
OPTIONS = peephole.Options(seeds=1, samples=6, methods=("input_x_gradient",), epochs=1.5, triggers=TRIGGERS)


@pytest.fixture(scope="module")
def small():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Shapes, "counts", {"train": 2500, "test": 300})
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("seven")


@pytest.fixture(scope="module")
def result(small, folder):
    return peephole.run("quick", out=folder, options=OPTIONS, machine=Machine("cpu"))


@pytest.fixture(scope="module")
def plan(small):
    return plan_run("quick", options=OPTIONS)


@pytest.fixture
def workspace(folder):
    return Workspace(Store(folder / "store"), Machine("cpu"))


def test_quick_has_one_of_each_kind():
    assert [name_of(trigger) for trigger in QUICK] == [
        *("square", "x", "class_pair", "badnet", "dynamic", "input_aware", "wanet")
    ]


def test_each_is_planted_and_certified(result):
    assert list(dict.fromkeys(result.models["trigger"])) == list(TRIGGERS)
    assert (
        result.models[["attack_success", "clean_accuracy", "twin_accuracy", "cross_accuracy"]].notna().to_numpy().all()
    )
    assert (result.models["certified"] == (result.models["failed_gates"] == "")).all()
    assert (result.models["training_dtype"] == "float32").all()


def test_what_could_be_probed_is_scored_by_the_metrics_of_its_trigger(result):
    probed = set(result.models[result.models["probes_qualified"].fillna(0) > 1]["trigger"])
    scored = result.scores.groupby("trigger")["metric"].unique().to_dict()
    assert probed
    assert {trigger: set(metrics) for trigger, metrics in scored.items()} == {
        trigger: {name for name in metrics_of(trigger) if not name.startswith("sanity")} for trigger in probed
    }


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_the_stored_trigger_stamps_the_stored_probes(result, plan, workspace, trigger):
    backdoor = next(one for one in plan.backdoors if one.trigger == trigger)
    if backdoor.probes.digest not in result.outcome.available:
        pytest.skip("not enough pictures are decided by it in so short a training")
    probes = read_probes(backdoor.probes, workspace)
    stamper = load_trigger(backdoor.model, workspace)
    if name_of(trigger) != "dynamic":  # whose places and patterns are drawn
        stamped = stamper.stamp(probes.clean)
        torch.testing.assert_close(stamped.image, probes.image, atol=1e-6, rtol=0)
        torch.testing.assert_close(stamped.target, probes.target)
    assert torch.equal(torch.where(probes.exact.any(1, keepdim=True), probes.clean, probes.image), probes.clean) or (
        name_of(trigger) == "input_aware"  # whose mask is soft: what is below one half still shows
    )
    network = load(backdoor.model, workspace)
    decision = network(probes.image).argmax(1)
    assert all(label in row for label, row in zip(decision.tolist(), probes.target.tolist(), strict=True))
    assert (probes.soft is not None) == (name_of(trigger) in ("input_aware", "wanet"))
    assert (probes.mask is None) == (name_of(trigger) == "wanet")


def test_there_is_a_picture_of_them(result, folder):
    path = folder / "triggers.png"
    assert result.triggers == (path,)
    with Image.open(path) as image:
        assert np.asarray(image).std() > 0


@pytest.mark.slow
def test_the_same_seed_gives_the_same_certificates_in_other_processes_too(result, small, tmp_path, monkeypatch):
    """Two at once with one thread each; the pictures are those of the data set, as other processes know no patch."""
    options = peephole.Options(seeds=1, samples=4, methods=("gradient",), epochs=0.2, triggers=("square",))
    monkeypatch.setattr(Shapes, "counts", {"train": 10_000, "test": 3_000})
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        alone = peephole.run("quick", out=tmp_path / "one", options=options, machine=Machine("cpu"))
        torch.set_num_threads(2)
        both = peephole.run("quick", out=tmp_path / "two", options=options, machine=Machine("cpu", workers=2))
    finally:
        torch.set_num_threads(threads)
    same = [column for column in alone.models.columns if column != "seconds"]
    assert alone.models[same].equals(both.models[same])
    assert {unit.digest for unit in alone.outcome.computed} == {unit.digest for unit in both.outcome.computed}
