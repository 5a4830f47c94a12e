"""What a report collects from a folder, whole and spoilt."""

import shutil

import numpy as np
import pytest

from peephole.errors import PeepholeError
from peephole.leaderboard.curve_shares import curve_shares
from peephole.leaderboard.kis_study import kis_table
from peephole.machine import Machine
from peephole.report import report as of_folder
from peephole.report.gather import gather
from peephole.report.tables import gather_tables
from peephole.store.store import DamagedShard, Store
from peephole.workspace import Workspace


@pytest.fixture
def contents(plan, workspace, available, finished, tmp_path):
    return gather(plan, workspace, available, finished, tmp_path / "site")


@pytest.fixture
def found(monkeypatch):
    """What `report_on` hands to the pages."""
    handed = []

    def keep(contents, site, siblings=()):
        handed.append(contents)
        return site / "index.html"

    monkeypatch.setattr(of_folder, "pages_of", keep)
    return handed


def test_a_whole_run_lacks_nothing(contents, plan):
    assert contents.missing == ()
    assert contents.board is not None
    assert contents.board.lineup is not None
    assert len(contents.scores) > 0
    assert contents.models["trigger"].tolist() == ["square", "class_pair", "class_pair"]
    assert [gallery.trigger for gallery in contents.galleries] == ["square", "class_pair"]
    assert set(contents.descriptions) == {row.method for row in plan.rows}
    assert all(text.endswith(".") for text in contents.descriptions.values())
    assert contents.scale[4] == (0.5, "0")


def test_the_curves_are_means_whose_areas_are_the_boards(contents):
    assert contents.shares.tolist() == curve_shares().tolist()
    scores = contents.scores[contents.scores["metric"].isin(["morf", "lerf", "restore", "insert"])]
    by_key = scores.set_index(["method", "layer", "trigger", "metric"])
    assert {(one.method, one.layer, one.trigger, one.metric) for one in contents.curves} == set(by_key.index)
    for curve in contents.curves:
        row = by_key.loc[(curve.method, curve.layer, curve.trigger, curve.metric)]
        assert curve.pictures == row["n"]
        assert curve.values.shape == (25,)
        assert ((curve.values >= 0) & (curve.values <= 1)).all()
        if row["n_invalid"] == 0:  # an invalid map has a curve, and the board has chance for it
            assert np.trapezoid(curve.values, contents.shares) == pytest.approx(row["value"], abs=0.1)


def test_a_curve_is_the_mean_over_models_of_the_mean_over_reported_pictures(contents, plan, workspace):
    row = next(row for row in plan.rows if row.need == "network" and row.method == "gradient")
    shard = workspace.read(row.scores)
    selection = workspace.read(row.backdoor.probes).arrays["selection"]
    covered = [*np.flatnonzero(selection)[:2], *np.flatnonzero(~selection)[:2]]  # two each of an eighth of 10 pictures
    assert shard.arrays["curve"].shape[2] == len(covered)
    for number, metric in enumerate(shard.facts["curves"]):
        for layer, curves in zip(shard.facts["layers"], shard.arrays["curve"][number], strict=True):
            own = [curve.astype(float) for curve, place in zip(curves, covered, strict=True) if not selection[place]]
            key = ("gradient", layer, row.backdoor.trigger, metric)
            one = next(c for c in contents.curves if (c.method, c.layer, c.trigger, c.metric) == key)
            assert one.values.tolist() == pytest.approx(np.mean(own, axis=0).tolist(), abs=1e-12)
            assert one.pictures == len(own) == 2


def test_the_measured_truth_is_that_of_the_certificates(contents, plan, workspace):
    assert [(one.trigger, one.target) for one in contents.measured] == [
        ("square", 0),
        ("class_pair", 0),
        ("class_pair", 1),
    ]
    for backdoor in plan.backdoors:
        certificate = workspace.store.facts(backdoor.model.kind, backdoor.model.digest)["certificate"]
        own = [one for one in contents.measured if one.trigger == backdoor.trigger]
        for one, target in zip(own, certificate["targets"], strict=True):
            hits, total = target["whole"]
            assert one.whole == hits / total
            assert one.halves == tuple(a / b for a, b in target["halves"])
            for row, cells in zip(one.loss.tolist(), target["cells"], strict=True):
                expected = [hits / total - a / b if b else float("nan") for a, b in cells]
                assert row == pytest.approx(expected, nan_ok=True)


def test_samples_are_those_of_the_table(contents):
    table = kis_table(contents.samples)
    assert table["n"].tolist() == contents.distributions["n"].tolist()
    assert contents.distributions["bimodal"].isin(["yes", "no", ""]).all()


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("leaderboard.csv", "There is no board"),
        ("pictures.h5", "There are no scores picture by picture"),
        ("scores.csv", "There is no scores.csv"),
        ("models.csv", "There is no models.csv"),
        ("kis.csv", "There is no kis.csv"),
        ("kis_correctness.csv", "There is no kis_correctness.csv"),
    ],
)
def test_a_missing_or_damaged_table_is_told_of_in_one_line(copy, name, part):
    (copy / name).unlink()
    (line,) = [line for line in gather_tables(copy).missing if line.startswith(part)]
    assert "\n" not in line
    assert line.endswith(".")
    (copy / name).write_bytes(b"\x00\xff no table \x89")
    assert [line for line in gather_tables(copy).missing if name in line]


def test_a_table_of_another_version_is_told_of(copy):
    for name, column in (("scores.csv", "chance"), ("models.csv", "clean_accuracy"), ("kis.csv", "median")):
        path = copy / name
        path.write_text(path.read_text().replace(column, "once_called", 1))
        lines = gather_tables(copy).missing
        assert f"{name} is of another version of peephole: it has no column {column}; do the run once more." in lines


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(PeepholeError, match="holds no results"):
        of_folder.report_on(tmp_path)
    with pytest.raises(PeepholeError, match="holds no results"):
        gather_tables(tmp_path)


def test_a_folder_is_reported_on_as_its_run_was(copy, contents, found):
    before = {path.relative_to(copy) for path in copy.rglob("*")}
    assert of_folder.report_on(copy) == copy / "report" / "index.html"
    (again,) = found
    assert again.missing == ()
    assert [gallery.sheets for gallery in again.galleries] == [gallery.sheets for gallery in contents.galleries]
    for one, other in zip(again.curves, contents.curves, strict=True):
        assert one.values.tolist() == other.values.tolist()
    new = {path.relative_to(copy).parts[0] for path in copy.rglob("*") if path.relative_to(copy) not in before}
    assert new == {"report"}


@pytest.mark.parametrize("lost", ["store", "request.json"])
def test_tables_alone_are_reported_on(copy, found, lost):
    shutil.rmtree(copy / lost) if lost == "store" else (copy / lost).unlink()
    of_folder.report_on(copy)
    (contents,) = found
    assert contents.board is not None
    assert contents.galleries == ()
    (line,) = contents.missing
    assert line.startswith("Pictures and curves are not here, only what the tables say: ")
    assert lost in line


def test_damaged_shards_are_left_out(copy, found, plan):
    def spoil(unit):
        path = copy / "store" / unit.kind / f"{unit.digest}.h5"
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 255
        path.write_bytes(content)
        return f"store/{unit.kind}/{unit.digest}.h5 is damaged; do the run once more to have it made anew."

    rows = {(row.method, row.need): row for row in plan.rows if row.backdoor.trigger == "square"}
    units = (rows["gradient", "maps"].maps, rows["oracle", "network"].scores, plan.backdoors[1].probes, plan.samples[0])
    lines = {spoil(unit) for unit in units}
    of_folder.report_on(copy)
    (contents,) = found
    assert lines < set(contents.missing)
    assert [gallery.trigger for gallery in contents.galleries] == ["square"]
    assert set(rows) - {("gradient", "maps")} >= {(name, "maps") for name in contents.galleries[0].sheets}
    assert {curve.method for curve in contents.curves} == {name for name, _ in rows} - {"oracle"}


def test_scores_that_are_not_there_are_counted(plan, workspace, available, finished, tmp_path):
    without = available - {row.scores.digest for row in plan.rows if row.need == "network"}
    contents = gather(plan, workspace, without, finished, tmp_path)
    assert contents.curves == ()
    assert contents.missing[-1] == (
        "There are no curves of exchanged pixels: the store has none; do the run once more."
    )
    assert any("scores are not in the store" in line for line in contents.missing)


def test_a_damaged_shard_is_for_a_run_to_mend(copy, plan, available, tmp_path):
    unit = next(row.maps for row in plan.rows if row.need == "maps")
    (copy / "store" / unit.kind / f"{unit.digest}.h5").write_bytes(b"")
    with pytest.raises(DamagedShard):
        gather(plan, Workspace(Store(copy / "store"), Machine("cpu")), available, copy, tmp_path / "site")
