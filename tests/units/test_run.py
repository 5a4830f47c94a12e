"""A whole run in small: few pictures, few probes, all the steps."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import peephole
from peephole.datasets.shapes import Shapes
from peephole.leaderboard.applicability import need_of
from peephole.leaderboard.curve_shares import curve_shares
from peephole.leaderboard.tables import read_csv
from peephole.machine import Machine
from peephole.runner import plan_run
from peephole.store.shard import read_shard
from peephole.store.store import Store
from peephole.suites.suite import load_suite
from peephole.units.maps import Maps
from peephole.units.probe_set import ProbeSet
from peephole.workspace import Workspace

OPTIONS = peephole.Options(
    seeds=1, samples=12, triggers=("square", "class_pair"), methods=("input_x_gradient", "grad_cam")
)


@pytest.fixture(scope="module")
def small():
    """The embedded data set with fewer pictures: enough to learn the triggers, not the classes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Shapes, "counts", {"train": 3000, "test": 600})
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("results")


@pytest.fixture(scope="module")
def result(small, folder):
    return peephole.run("quick", out=folder, options=OPTIONS, machine=Machine("cpu"))


def test_everything_is_computed_and_nothing_fails(result):
    assert not result.outcome.failed
    assert not result.outcome.skipped
    assert len(result.outcome.computed) == len(plan_run("quick", options=OPTIONS).units)
    assert result.suite == "quick/v1+triggers=square,class_pair+seeds=1+samples=12"


def test_the_tables_on_disk_are_the_tables_in_hand(result, folder):
    for name in ("leaderboard", "scores", "models"):
        written = read_csv(folder / f"{name}.csv")
        assert list(written.columns) == list(getattr(result, name).columns)
        assert len(written) == len(getattr(result, name)) > 0


def test_every_score_has_its_interval_chance_number_and_provenance(result):
    scores = result.scores
    assert (scores["lo"] <= scores["value"] + 1e-12).all()
    assert (scores["value"] <= scores["hi"] + 1e-12).all()
    assert scores["chance"].between(-1, 1).all()
    costly = scores["metric"].map(need_of) != "maps"
    assert (scores.loc[~costly, "n"] == 12).all()
    assert (scores.loc[costly, "n"] == 2).all()  # two at least of whatever share
    assert (scores["n_valid"] + scores["n_invalid"] == scores["n"]).all()
    for column in (
        "suite_version",
        "data_digest",
        "model_digest",
        "method_digest",
        "peephole_version",
        "torch_version",
    ):
        assert scores[column].astype(str).str.len().min() > 0
    assert set(scores["dirty"]) <= {"yes", "no", "unknown"}


def test_methods_are_scored_at_every_layer_and_calibration_rows_once(result):
    layers = result.scores[result.scores["method"] == "grad_cam"]["layer"].unique().tolist()
    assert layers == ["input", "stem", "layer1.0", "layer2.0", "layer3.0"]
    assert result.scores[result.scores["kind"] == "calibration"]["layer"].unique().tolist() == ["input"]


def test_calibration_rows_are_where_they_must_be(result):
    value = result.scores.set_index(["method", "metric"])["value"].to_dict()
    assert value["oracle", "class_sensitivity"] == 1.0
    assert value["anti_oracle", "completeness"] == 0.0
    assert value["constant", "class_sensitivity"] == pytest.approx(196 / 1024)
    assert value["constant", "completeness"] == 1.0


def test_curves_are_kept_and_are_those_whose_areas_are_the_scores(result, folder):
    plan, store = plan_run("quick", options=OPTIONS), Store(folder / "store")
    kept = 0
    for row in plan.rows:
        if row.scores.kind != "scores":
            continue
        shard = store.read("scores", row.scores.digest)
        names = [entry["metric"] for entry in shard.facts["metrics"]]
        asked = [name for name in names if name in ("morf", "lerf", "restore", "insert")]
        assert shard.facts["curves"] == asked
        assert ("curve" in shard.arrays) == bool(asked)
        for curves, name in zip(shard.arrays.get("curve", ()), asked, strict=True):
            area = np.trapezoid(curves.astype(np.float64), curve_shares(), axis=-1)
            value, valid = (shard.arrays[part][names.index(name)] for part in ("value", "valid"))
            # A jump can lie anywhere between two shares, the last two of which are .08 apart.
            assert np.abs(area - value)[valid].max(initial=0) < 0.15
            assert np.abs(area - value)[valid].mean() < 0.04
            kept += 1
    assert kept > 0


def test_only_certified_models_enter_the_ranking(result):
    certified = set(result.models[result.models["certified"]]["trigger"])
    row = result.leaderboard[result.leaderboard["method"] == "oracle"].iloc[0]
    assert pd.notna(row["class_sensitivity"]) == ("class_pair" in certified)
    assert pd.notna(row["completeness"]) == ("square" in certified)


def test_a_second_run_computes_nothing_and_says_the_same(result, folder):
    before = (folder / "leaderboard.csv").read_bytes()
    again = peephole.run("quick", out=folder, options=OPTIONS, machine=Machine("cpu"))
    assert again.outcome.computed == ()
    assert (folder / "leaderboard.csv").read_bytes() == before


def test_a_damaged_shard_is_computed_again_and_only_that(result, folder):
    before = (folder / "leaderboard.csv").read_bytes()
    shard = sorted((folder / "store" / "scores").glob("*.h5"))[0]
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 255
    shard.write_bytes(bytes(content))
    again = peephole.run("quick", out=folder, options=OPTIONS, machine=Machine("cpu"))
    assert [unit.digest for unit in again.outcome.computed] == [shard.stem]
    assert (folder / "leaderboard.csv").read_bytes() == before


def test_layers_choose_rows_without_computing(result, folder):
    options = replace(OPTIONS, layers=("input", "layer2.0"))
    chosen = peephole.run("quick", out=folder, options=options, machine=Machine("cpu"))
    assert chosen.outcome.computed == ()
    methods = chosen.scores[chosen.scores["kind"] == "method"]
    assert set(methods["layer"]) == {"input", "layer2.0"}


def test_an_unknown_layer_is_told_which_there_are(result, folder):
    options = replace(OPTIONS, layers=("layer9",))
    with pytest.raises(peephole.PeepholeError, match=r"no layer 'layer9'.*layer3\.0"):
        peephole.run("quick", out=folder, options=options, machine=Machine("cpu"))


@pytest.fixture(scope="module")
def texts(result, folder):
    """A run with options, with a method that has one map only, and with one that is scored on half of the pictures."""
    methods = ("+tif(grad_cam, 0.5)", "+grad_cam()", "+smoothgrad(samples=2)")
    options = replace(OPTIONS, methods=methods)

    def fewer(name):
        suite = load_suite(name)
        probes = suite.probes.model_copy(update={"fewer": {"smoothgrad": 0.5}})
        return suite.model_copy(update={"probes": probes, "methods": OPTIONS.methods})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("peephole.runner.load_suite", fewer)
        return peephole.run("quick", out=folder, options=options, machine=Machine("cpu", batch=5))


def test_methods_with_options_reuse_what_is_there(texts):
    assert not texts.outcome.failed
    assert {unit.spec["method"] for unit in texts.outcome.computed if unit.kind == Maps.kind} == {
        "tif(grad_cam, 0.5)",
        "smoothgrad(samples=2)",
    }
    assert {unit.kind for unit in texts.outcome.computed} == {Maps.kind, "scores", "sanity_scores"}


def test_a_method_has_rows_at_its_own_layers(texts):
    layers = texts.scores.groupby("method")["layer"].unique()
    assert list(layers["tif(grad_cam, 0.5)"]) == ["input"]
    assert list(layers["smoothgrad(samples=2)"]) == list(layers["grad_cam"])


def test_a_method_on_half_of_the_pictures_says_so(texts, result):
    cheap = texts.scores[texts.scores["metric"].map(need_of) == "maps"]
    n = cheap.groupby("method")["n"].unique()
    assert n["smoothgrad(samples=2)"].tolist() == [6]
    assert n["grad_cam"].tolist() == n["oracle"].tolist() == [12]
    merged = texts.scores.merge(result.scores, on=["trigger", "method", "layer", "metric"], suffixes=("", "_before"))
    assert len(merged) == len(result.scores)
    assert (merged["value"] == merged["value_before"]).all()
    assert len(texts.heatmaps) == 2


def test_the_batch_changes_no_map(texts, folder, tmp_path):
    """Four pictures a pass or all at once."""
    plan = plan_run("quick", options=OPTIONS)
    row = next(row for row in plan.rows if row.method == "grad_cam")
    store = Store(folder / "store")
    maps = [row.maps.compute(Workspace(store, Machine("cpu", batch=batch))).arrays for batch in (4, 100)]
    for name, values in maps[0].items():
        assert np.allclose(values, maps[1][name], rtol=1e-4, atol=1e-6)


SIDES = {"input": 32, "stem": 32, "layer1.0": 16, "layer2.0": 8, "layer3.0": 4}


def shards(folder, kind):
    return [read_shard(path) for path in sorted((folder / "store" / kind).glob("*.h5"))]


def test_probes_are_what_they_claim(result, folder):
    for shard in shards(folder, ProbeSet.kind):
        arrays = shard.arrays
        assert arrays["selection"].sum() == 3
        assert len(arrays["image"]) == 15
        changed = (arrays["image"] != arrays["clean"]).any(1)
        assert not (changed & ~arrays["mask"].any(1)).any()
        assert not np.isin(arrays["label"], arrays["target"]).any()
        assert len(np.unique(arrays["index"])) == 15


def test_maps_are_signed_and_at_their_layers_resolution(result, folder):
    for shard in shards(folder, Maps.kind):
        maps = shard.group("maps")
        assert list(maps) in (list(SIDES), ["input"])
        assert all(array.shape[-1] == SIDES[layer] for layer, array in maps.items())
        assert all(array.dtype == np.float32 and array.shape[2] == 1 for array in list(maps.values())[1:])
        assert shard.facts["ms_per_image"] > 0


def test_there_is_a_picture_a_trigger(result, folder):
    assert sorted(path.stem for path in result.heatmaps) == ["class_pair", "square"]
    for path in result.heatmaps:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"))
        assert pixels.shape[1] > 600
        assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 500


def test_receipts_say_what_made_a_shard(result, folder):
    for receipt in (folder / "store").rglob("*.json"):
        content = json.loads(receipt.read_text())
        assert content["kind"] == receipt.parent.name
        assert content["spec"]["kind"] == content["kind"]
        assert str(folder) not in receipt.read_text()
