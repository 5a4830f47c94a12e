"""The pointing game with boxes of objects, on an untrained network and a few shapes."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from peephole.attributions.graph import canonicalise
from peephole.attributions.methods import build
from peephole.datasets.shapes import Shapes
from peephole.machine import Machine
from peephole.options import Options
from peephole.plan import make_plan
from peephole.store.shard import Shard
from peephole.store.store import Store
from peephole.suites.suite import load_suite
from peephole.units.box_scores import box_scores, within
from peephole.units.networks import build as build_network
from peephole.units.networks import load, state_arrays
from peephole.workspace import Workspace

ASKED = (("input_x_gradient", "input"), ("grad_cam", "last"), ("tif(deeplift, 0.5)", "input"))
PICTURES = 7


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A unit, what it found, and its workspace."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Shapes, "counts", {"train": 20, "test": 150})
        plan = make_plan(Options(seeds=1, triggers=("square",), methods=("gradient",)).apply(load_suite("quick")))
        model = plan.backdoors[0].clean
        workspace = Workspace(Store(tmp_path_factory.mktemp("boxes")), Machine("cpu", batch=4))
        network = build_network("resnet8", workspace, model.spec["dataset"], 0)
        shard = Shard(state_arrays(network, "weights"), {})
        workspace.store.write(model.kind, model.digest, model.identity, shard, 0.0)
        unit = box_scores(model, ASKED, pictures=PICTURES)
        yield unit, unit.compute(workspace), workspace


def test_pictures_are_right_and_their_boxes_not_too_large(made):
    unit, shard, workspace = made
    pictures = workspace.pictures(unit.spec["dataset"], "test")
    index = shard.arrays["index"]
    assert 0 < len(index) <= PICTURES
    assert len(set(index.tolist())) == len(index)
    network = load(unit.inputs["model"], workspace)
    with torch.no_grad():
        decision = network(torch.from_numpy(pictures.images[index]).float() / 255).argmax(1).numpy()
    assert (decision == pictures.labels[index]).all()
    left, top, right, bottom = pictures.boxes[index].T
    area = (right - left) * (bottom - top) / 32**2
    assert (area <= 0.5).all()
    np.testing.assert_allclose(shard.arrays["chance"], area)


def test_values_are_shares_within_the_box(made):
    unit, shard, workspace = made
    pictures = workspace.pictures(unit.spec["dataset"], "test")
    graph = canonicalise(load(unit.inputs["model"], workspace), (3, 32, 32))
    for column, place in enumerate(shard.arrays["index"]):
        x = torch.from_numpy(pictures.images[place : place + 1]).float() / 255
        label = torch.from_numpy(pictures.labels[place : place + 1])
        left, top, right, bottom = pictures.boxes[place]
        for row, (method, layer) in enumerate(ASKED):
            name = graph.layers[0 if layer == "input" else -1]
            values = build(method).attribute(graph, x, label, [name])[name].double().sum(1, keepdim=True)
            up = torch.nn.functional.interpolate(values, (32, 32), mode="bilinear", align_corners=False)
            energy = up.clamp(min=0)[0, 0]
            if not shard.arrays["valid"][row, column]:
                assert energy.sum() == 0
                assert shard.arrays["value"][row, column] == shard.arrays["chance"][column]
                continue
            expected = float(energy[top:bottom, left:right].sum() / energy.sum())
            # Fused maps have thresholds, which rounding may push a pixel over.
            assert shard.arrays["value"][row, column] == pytest.approx(expected, abs=3e-3)


def test_a_data_set_without_boxes_is_no_failure(made, monkeypatch):
    unit, _, workspace = made
    monkeypatch.setattr(workspace, "pictures", lambda spec, split: SimpleNamespace(boxes=None))
    shard = unit.compute(workspace)
    assert shard.facts["boxes"] is False
    assert shard.arrays["value"].shape == (len(ASKED), 0)


def test_boxes_leave_their_ends_out():
    found = within(torch.tensor([[1, 0, 3, 2], [0, 0, 0, 0]]), (3, 4))
    assert found[0].int().tolist() == [[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]
    assert not found[1].any()
