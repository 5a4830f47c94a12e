"""Alignment of cascades on an untrained network, once more by hand."""

import numpy as np
import pytest
import torch

from peephole.attributions.graph import canonicalise
from peephole.attributions.methods import build
from peephole.attributions.randomised import randomised, stages
from peephole.attributions.weight_distributions import removed
from peephole.datasets.shapes import Shapes
from peephole.errors import PeepholeError
from peephole.machine import Machine
from peephole.options import Options
from peephole.runner import plan_run
from peephole.store.shard import Shard
from peephole.store.store import Store
from peephole.units.alignment import TRAINED, alignment_unit, read_alignment
from peephole.units.networks import build as build_network
from peephole.units.networks import load, state_arrays
from peephole.workspace import Workspace


def cascade_units(clean, methods, *, pictures, seed, **options):
    sizes = {"pictures": pictures, "seed": seed, **options}
    return tuple(
        alignment_unit(clean.spec, weights, methods, over="levels", model=clean, **sizes)
        for weights in (TRAINED, "normal")
    )


METHODS = ["guided_backprop", "lrp_alpha1_beta0(bottom=False)"]


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Shapes, "counts", {"train": 20, "test": 40})
        clean = plan_run("quick", options=Options(seeds=1, triggers=("square",), methods=("gradient",))).first[0].clean
        store = Store(tmp_path_factory.mktemp("cascades"))
        workspace = Workspace(store, Machine("cpu", batch=4))
        network = build_network("resnet8", workspace, clean.spec["dataset"], 3)
        store.write(clean.kind, clean.digest, clean.identity, Shard(state_arrays(network, "weights"), {}), 0.0)
        units = cascade_units(clean, METHODS, pictures=6, seed=2)
        for unit in units:
            store.write(unit.kind, unit.digest, unit.identity, unit.compute(workspace), 0.0)
        yield clean, units, workspace


@pytest.mark.parametrize("random", [False, True], ids=["trained", "random"])
def test_it_is_the_cosine_of_what_arrives_and_the_input(answered, random):
    clean, units, workspace = answered
    unit = units[random]
    found = read_alignment(unit, workspace)
    network = load(clean, workspace)
    if random:
        network = randomised(network, stages(network), 2)
    images = workspace.pictures(clean.spec["dataset"], "test").images[workspace.read(unit).arrays["index"]]
    x = torch.from_numpy(images).float() / 255
    graph, decision = canonicalise(network, (3, 32, 32)), network(x).argmax(1)
    seen = network.normalise(x).double().flatten(1).numpy()
    assert found.values.shape == (2, len(found.layers) + 1, 6)
    for place, method in enumerate(METHODS):
        ends = {0: "gradient", len(found.layers): method}
        for level in range(len(found.layers) + 1):
            text = ends.get(level, f"cascade({method}, levels={level})")
            arrived = build(text).attribute(graph, x, decision, ["input"])["input"].detach().double().flatten(1).numpy()
            cosine = (arrived * seen).sum(1) / np.linalg.norm(arrived, axis=1) / np.linalg.norm(seen, axis=1)
            assert found.values[place, level] == pytest.approx(cosine, abs=1e-4), text


def test_weights_pictures_and_methods_make_other_units(answered):
    clean, units, _ = answered
    others = [
        *cascade_units(clean, METHODS, pictures=7, seed=2),
        *cascade_units(clean, METHODS, pictures=6, seed=3),
        *cascade_units(clean, METHODS[:1], pictures=6, seed=2),
    ]
    assert len({unit.digest for unit in (*units, *others)}) == 8
    assert cascade_units(clean, METHODS, pictures=6, seed=2) == units


@pytest.mark.parametrize(
    ("methods", "words"), [(["nothing"], "unknown"), (["gradient"] * 2, "named twice")], ids=["unknown", "twice"]
)
def test_what_cannot_be_asked_is_refused(answered, methods, words):
    with pytest.raises(PeepholeError, match=words):
        cascade_units(answered[0], methods, pictures=6, seed=0)


def test_what_cannot_be_mixed_is_refused(answered):
    clean, _, workspace = answered
    unit = cascade_units(clean, ["integrated_gradients"], pictures=6, seed=0)[0]
    with pytest.raises(PeepholeError, match="one backward pass"):
        unit.compute(workspace)


def asked(answered, weights="trained", methods=("gradient", "guided_backprop", "rectgrad"), **options):
    clean, _, workspace = answered
    unit = alignment_unit(clean.spec, weights, methods, pictures=6, seed=1, model=clean, **options)
    shard = unit.compute(workspace)
    images = workspace.pictures(clean.spec["dataset"], "test").images[shard.arrays["index"]]
    return shard, load(clean, workspace), torch.from_numpy(images).float() / 255


def cosines(one, other):
    one, other = (values.detach().double().flatten(1).numpy() for values in (one, other))
    size = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return np.divide((one * other).sum(1), size, out=np.full(len(size), np.nan), where=size > 0)


def test_methods_are_compared_with_each_other_and_shown(answered):
    shard, network, x = asked(answered, pairs=True, shown=5)
    graph, decision = canonicalise(network, (3, 32, 32)), network(x).argmax(1)
    maps = [
        build(text).attribute(graph, x, decision, ["input"])["input"]
        for text in ("gradient", "guided_backprop", "rectgrad")
    ]
    assert shard.arrays["alignment"].shape == (3, 1, 6)
    assert shard.arrays["maps"].shape == (3, 5, 3, 32, 32)
    for one in range(3):
        assert shard.arrays["maps"][one] == pytest.approx(maps[one][:5].detach().numpy(), abs=1e-5)
        assert shard.arrays["alignment"][one, 0] == pytest.approx(cosines(maps[one], network.normalise(x)), abs=1e-4)
        for other in range(3):
            assert shard.arrays["pairs"][one, other] == pytest.approx(cosines(maps[one], maps[other]), abs=1e-4)


def test_an_option_runs_over_layers(answered):
    text = "restricted(guided_backprop, units='smallest')"
    shard, network, x = asked(answered, methods=[text], over="layers")
    graph, decision = canonicalise(network, (3, 32, 32)), network(x).argmax(1)
    assert tuple(shard.facts["places"]) == graph.layers[1:]
    for place, layer in enumerate(graph.layers[1:]):
        one = build(f"restricted(guided_backprop, units='smallest', layer='{layer}')")
        maps = one.attribute(graph, x, decision, ["input"])["input"]
        assert shard.arrays["alignment"][0, place] == pytest.approx(cosines(maps, network.normalise(x)), abs=1e-4)


def test_fewer_levels_are_evenly_spaced_and_the_same(answered):
    every = asked(answered, over="levels")[0]
    few = asked(answered, over="levels", most=3)[0]
    assert few.facts["places"] == ["0", "2", "5"]
    assert few.arrays["alignment"] == pytest.approx(every.arrays["alignment"][:, [0, 2, 5]])


@pytest.mark.parametrize(("weights", "change"), [("upper_randomised", randomised), ("upper_removed", removed)])
def test_the_upper_half_is_changed(answered, weights, change):
    shard, network, x = asked(answered, weights, ["guided_backprop"])
    network = change(network, stages(network)[2:], 1)
    graph, decision = canonicalise(network, (3, 32, 32)), network(x).argmax(1)
    maps = build("guided_backprop").attribute(graph, x, decision, ["input"])["input"]
    assert shard.arrays["alignment"][0, 0] == pytest.approx(cosines(maps, network.normalise(x)), abs=1e-4, nan_ok=True)


def test_networks_that_are_drawn_need_none_that_is_trained_and_share_one(answered):
    clean, _, workspace = answered
    units = [
        alignment_unit(clean.spec, weights, ["guided_backprop"], pictures=4, seed=seed)
        for weights in ("normal", "ring", "uniform")
        for seed in (0, 1)
    ]
    assert len({unit.group for unit in units}) == 1
    assert not any(unit.inputs for unit in units)
    together = dict(type(units[0]).compute_all(units, workspace))
    for unit in units:
        assert together[unit].arrays["alignment"] == pytest.approx(unit.compute(workspace).arrays["alignment"])
    assert len({float(shard.arrays["alignment"].sum()) for shard in together.values()}) == 6
