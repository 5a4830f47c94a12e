"""Scores by the measured truth, from a store with drawn maps and a made-up certificate."""

import numpy as np
import pytest
import torch

from peephole.leaderboard.base import METRICS, Probes
from peephole.leaderboard.relevance import to_picture
from peephole.machine import Machine
from peephole.options import Options
from peephole.plan import make_plan
from peephole.store.shard import Shard
from peephole.store.store import Store
from peephole.suites.suite import load_suite
from peephole.units.measured_scores import measured_scores, nearest_cells
from peephole.workspace import Workspace

METHODS = ("gradient", "score_cam", "tif(deeplift, 0.9)")
COUNT, CHOSEN, SIDE, GRID = 9, 3, 32, 3


def certificate(lost):
    whole = 1000
    cells = [[[round(whole * (1 - value)), whole] if value == value else [0, 0] for value in row] for row in lost]
    return {"certificate": {"targets": [{"whole": [whole, whole], "cells": cells}]}}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A unit, its probes, its maps by method and layer, and the success lost by cell."""
    suite = load_suite("quick")
    plan = make_plan(Options(seeds=1, triggers=("square",), methods=METHODS).apply(suite))
    rows = {row.method: row for row in plan.rows if "completeness" in row.metrics}
    backdoor, generator = plan.backdoors[0], np.random.default_rng(0)
    store = Store(tmp_path_factory.mktemp("measured"))
    exact = np.zeros((COUNT, 1, SIDE, SIDE), dtype=np.bool_)
    exact[:-1, :, :9, :9] = True
    exact[-1, :, 4:9, 10:17] = True
    mask = exact.copy()
    mask[..., 9:12, :12] = True
    image = generator.random((COUNT, 3, SIDE, SIDE), dtype=np.float32)
    probes = {
        "image": image,
        "clean": image,
        "exact": exact,
        "mask": mask,
        "target": np.zeros((COUNT, 1), dtype=np.int64),
        "label": np.ones(COUNT, dtype=np.int64),
        "index": np.arange(COUNT),
        "selection": np.arange(COUNT) < CHOSEN,
    }
    lost = np.array([[0.9, 0.1, 0.0], [0.3, np.nan, 0.2], [-0.1, 0.6, 0.45]])
    maps = {
        "gradient": {"input": (COUNT, 1, 3, SIDE, SIDE), "layer1.0": (COUNT, 1, 1, 16, 16)},
        "score_cam": {"input": (4, 1, 3, SIDE, SIDE), "layer1.0": (4, 1, 1, 16, 16)},  # some of the pictures
        METHODS[2]: {"input": (COUNT, 1, 1, SIDE, SIDE)},
    }
    drawn = {
        method: {layer: generator.normal(size=shape).astype(np.float32) for layer, shape in own.items()}
        for method, own in maps.items()
    }
    shards = {backdoor.model: Shard({"x": np.zeros(1)}, certificate(lost)), backdoor.probes: Shard(probes, {})}
    for method, own in drawn.items():
        shards[rows[method].maps] = Shard({f"maps/{layer}": array for layer, array in own.items()}, {})
    for unit, shard in shards.items():
        store.write(unit.kind, unit.digest, unit.identity, shard, 0.0)
    unit = measured_scores("completeness", METHODS, [rows[method].maps for method in METHODS], backdoor.model)
    return unit.compute(Workspace(store, Machine("cpu"))), probes, drawn, lost


def test_the_stamped_truth_is_the_board_s(made):
    shard, probes, drawn, _ = made
    reported = np.flatnonzero(~probes["selection"])
    tensors = {name: torch.from_numpy(probes[name][reported]) for name in ("image", "clean", "mask", "exact", "target")}
    for row, method in enumerate(METHODS):
        for column, layer in enumerate(shard.facts["layers"]):
            value = shard.arrays["value"][0, row, column]
            if layer not in drawn[method]:
                assert np.isnan(value).all()
            elif method != "score_cam":
                maps = to_picture(torch.from_numpy(drawn[method][layer][reported]), (SIDE, SIDE))
                expected = METRICS["completeness"]().score(maps, Probes(**tensors))
                np.testing.assert_allclose(value, expected.value.numpy(), rtol=1e-12)


def test_the_measured_truth_weighs_pixels_by_what_is_lost(made):
    shard, probes, drawn, lost = made
    weight_of = np.clip(np.nan_to_num(lost), 0, None) / 0.9
    column = shard.facts["layers"].index("input")
    for place, picture in enumerate(np.flatnonzero(~probes["selection"])):
        exact, mask = probes["exact"][picture, 0], probes["mask"][picture, 0]
        marked = np.argwhere(exact)
        first, last = marked.min(axis=0), marked.max(axis=0)
        total = weights = peak = 0.0
        energy = np.maximum(drawn["gradient"]["input"][picture, 0].astype(np.float64).sum(axis=0), 0)
        for pixel in np.argwhere(mask):
            nearest = marked[((marked - pixel) ** 2).sum(axis=1).argmin()]
            cell = np.minimum((nearest - first) * GRID // (last - first + 1), GRID - 1)
            weight = weight_of[tuple(cell)]
            total, weights = total + weight * energy[tuple(pixel)], weights + weight
            peak = max(peak, energy[tuple(pixel)]) if weight > 0 else peak
        value = shard.arrays["value"][1, 0, column, place]
        if picture < COUNT - 1:  # of this mark no pixel is as near to two cells
            assert value == pytest.approx(total / weights / peak, rel=1e-9)
        assert 0 < value <= 1


def test_pictures_that_a_method_has_no_map_of_have_no_score(made):
    shard, *_ = made
    there = ~np.isnan(shard.arrays["value"][:, 1])
    assert there[:, :, :2].all()
    assert not there[:, :, 2:].any()
    np.testing.assert_allclose(shard.arrays["lost"].reshape(GRID, GRID)[0], [0.9, 0.1, 0.0], atol=1e-9)


def test_every_pixel_has_the_nearest_cell():
    exact = torch.zeros(2, 1, 8, 8, dtype=torch.bool)
    exact[0, 0, 0, :4], exact[1, 0, 4:6, 4:8] = True, True
    found = nearest_cells(exact, 2)
    assert found.shape == exact.shape
    assert found[0, 0, 7].tolist() == [0, 0, 1, 1, 1, 1, 1, 1]
    assert found[1, 0, 0].tolist() == [0, 0, 0, 0, 0, 0, 1, 1]
    assert found[1, 0, 7].tolist() == [2, 2, 2, 2, 2, 2, 3, 3]
