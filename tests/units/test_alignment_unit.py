"""Alignment of cascades on an untrained network, once more by hand."""

import numpy as np
import pytest
import torch

from peephole.attributions.graph import canonicalise
from peephole.attributions.methods import build
from peephole.attributions.randomised import randomised, stages
from peephole.datasets.shapes import Shapes
from peephole.errors import PeepholeError
from peephole.machine import Machine
from peephole.options import Options
from peephole.runner import plan_run
from peephole.store.shard import Shard
from peephole.store.store import Store
from peephole.units.cascade_alignment import cascade_units, read_alignment
from peephole.units.networks import build as build_network
from peephole.units.networks import load, state_arrays
from peephole.workspace import Workspace

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
    ("methods", "words"),
    [(["integrated_gradients"], "one backward pass"), (["nothing"], "unknown"), (["gradient"] * 2, "named twice")],
)
def test_what_cannot_be_mixed_is_refused(answered, methods, words):
    with pytest.raises(PeepholeError, match=words):
        cascade_units(answered[0], methods, pictures=6, seed=0)
