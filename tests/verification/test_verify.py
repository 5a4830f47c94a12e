"""What verification finds on a small run, and what it leaves alone."""

import csv
import json
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest

import peephole
from peephole import certificates
from peephole.attributions.base import ATTRIBUTIONS
from peephole.datasets.shapes import Shapes
from peephole.leaderboard.row_folder import ROWS
from peephole.machine import Machine
from peephole.runner import plan_run
from peephole.store.store import Store, file_digest
from peephole.verification import staleness
from peephole.verification.drawing import Drawn, draw
from peephole.verification.overlay import OverlayStore

OPTIONS = peephole.Options(
    seeds=1,
    samples=8,
    epochs=1,
    triggers=("square",),
    methods=("gradient", "grad_cam"),
    metrics=("completeness", "twin_difference"),
    layers=("input", "layer2.0"),
)


@pytest.fixture(scope="module")
def small():
    """The embedded data set with few pictures, and no gates: nothing is learnt well that is trained so briefly."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Shapes, "counts", {"train": 2000, "test": 200})
        patch.setattr(certificates, "failures", lambda certificate, gates: [])
        yield


@pytest.fixture(scope="module")
def original(small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    result = peephole.run("quick", out=folder, options=OPTIONS, machine=Machine("cpu"))
    assert not result.outcome.failed
    assert result.leaderboard["rank"].notna().all()
    return folder


@pytest.fixture
def folder(original, tmp_path):
    """A copy to change."""
    return shutil.copytree(original, tmp_path / "results")


def verify(folder, share=0.0, **options):
    return peephole.verify(folder, share=share, seed=1, machine=Machine("cpu"), **options)


def read(file):
    with file.open(newline="") as stream:
        return list(csv.reader(stream))


def edit(file, line, column, value):
    """Change one cell of a CSV file, and give back what it was; lines count from 1 as in an editor."""
    lines = read(file)
    place = lines[0].index(column)
    before, lines[line - 1][place] = lines[line - 1][place], value
    with file.open("w", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(lines)
    return before


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_fresh_run_reproduces_and_is_left_as_it_is_even_where_nothing_can_be_written(folder):
    before = contents(folder)
    for path in folder.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    result = peephole.verify(folder, share=1, machine=Machine("cpu"))
    assert result.ok, result.differences
    assert set(result.rows["status"]) == {"reproduces"}
    assert set(zip(result.rows["method"], result.rows["layer"], strict=True)) >= {
        ("gradient", "input"),
        ("oracle", "input"),
    }
    assert (result.rows["difference"] <= result.rows["tolerance"]).all()
    assert (result.rows["models"] == 1).all()
    assert not result.notes
    assert "10 of 10 rows reproduce" in result.sentence
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert contents(folder) == before


def test_without_a_share_tables_are_compared_and_nothing_is_said_to_reproduce(folder):
    result = verify(folder)
    assert result.ok
    assert set(result.rows["status"]) == {"not recomputed"}


@pytest.mark.parametrize("name", ["scores.csv", "leaderboard.csv", "models.csv"])
def test_one_edited_value_is_found_wherever_it_is(folder, name):
    column = {"scores.csv": "value", "leaderboard.csv": "score", "models.csv": "clean_accuracy"}[name]
    before = edit(folder / name, 2, column, "0.987")
    result = verify(folder)
    assert list(map(str, result.differences)) == [f"{name} line 2: {column} is 0.987, the store says {before}"]
    assert not result.ok
    if name != "models.csv":
        assert list(result.rows["status"]).count("differs") == 1
    else:
        assert "something else is wrong with models.csv" in result.sentence


def test_an_edited_rank_names_the_row_and_what_it_should_be(folder):
    before = edit(folder / "leaderboard.csv", 3, "rank", "9")
    result = verify(folder)
    (finding,) = result.differences
    assert str(finding) == f"leaderboard.csv line 3: rank is 9, the store says {before}"
    differing = result.rows[result.rows["status"] == "differs"]
    assert frozenset(differing[["method", "kind", "layer"]].itertuples(index=False, name=None)) == finding.rows
    assert differing["reason"].iloc[0] == str(finding)


@pytest.mark.parametrize("name", ["scores.csv", "leaderboard.csv"])
def test_rows_that_were_removed_added_or_moved_are_found(folder, name):
    lines = (folder / name).read_text().splitlines()
    (folder / name).write_text("\n".join([*lines[:3], *lines[4:]]))
    (finding,) = verify(folder).differences
    assert finding.what.endswith("is missing")
    (folder / name).write_text("\n".join([*lines, lines[3]]))
    (finding,) = verify(folder).differences
    assert finding.where == f"{name} line {len(lines) + 1}"
    assert finding.what.endswith("stands in line 4 already")
    foreign = next(line for line in lines[1:] if "grad" in line).replace("grad", "mine")
    (folder / name).write_text("\n".join([*lines, foreign]))
    (finding,) = verify(folder).differences
    assert "mine" in finding.what
    assert finding.what.endswith("is not among what the store gives")
    (folder / name).write_text("\n".join([lines[0], lines[2], lines[1], *lines[3:]]))
    (finding,) = verify(folder).differences
    assert str(finding) == f"{name}: its lines stand in another order"


def test_rounding_is_no_difference_and_a_missing_column_is(folder):
    lines = (folder / "scores.csv").read_text().splitlines()
    value = edit(folder / "scores.csv", 2, "value", "0")
    edit(folder / "scores.csv", 2, "value", repr(float(value) + 1e-12))
    assert not [one for one in verify(folder).differences if one.where.startswith("scores.csv")]
    (folder / "scores.csv").write_text("\n".join([lines[0].replace(",lo,", ",low,"), *lines[1:]]))
    found = {str(finding) for finding in verify(folder).differences}
    assert {"scores.csv: has no column lo", "scores.csv: has an unknown column low"} <= found


def test_published_rows_are_compared_with_their_scores(folder):
    file = folder / ROWS / "gradient.json"
    content = json.loads(file.read_text())
    content["layers"][0]["score"] = 0.99
    file.write_text(json.dumps(content))
    (folder / ROWS / "mine.json").write_text(json.dumps(content))
    (folder / ROWS / "@oracle.json").unlink()
    found = {finding.where: finding.what for finding in verify(folder).differences}
    assert found["rows/gradient.json"].startswith("layers input score is 0.99, the store says")
    assert found["rows/mine.json"] == "the store gives no such row"
    assert found["rows/@oracle.json"] == "is missing"


def test_other_code_of_a_method_makes_its_rows_stale_and_no_others(folder, monkeypatch):
    digest = ATTRIBUTIONS.digest
    monkeypatch.setattr(ATTRIBUTIONS, "digest", lambda name: "f" * 16 if name == "gradient" else digest(name))
    result = verify(folder, share=1)
    status = result.rows.groupby("method")["status"].unique().map(set).to_dict()
    assert status["gradient"] == {"stale"}
    assert status["grad_cam"] == status["oracle"] == {"reproduces"}
    assert not result.differences
    assert not result.ok
    assert (
        f"other code of the method (method_digest {digest('gradient')}, now {'f' * 16})"
        in result.rows["reason"][result.rows["method"] == "gradient"].iloc[0]
    )
    edit(folder / "leaderboard.csv", 2, "score", "0.999")  # the others are compared all the same
    assert [finding.where for finding in verify(folder).differences] == ["leaderboard.csv line 2"]


def test_another_version_is_stale(folder, monkeypatch):
    monkeypatch.setattr(staleness, "__version__", "99")
    result = verify(folder)
    assert set(result.rows["status"]) == {"stale"}
    assert result.rows["reason"].str.contains("made by peephole .*, this is 99").all()


def shard_of(folder, kind, wanted):
    """A shard of a kind and its receipt, by what the receipt says."""
    for receipt in sorted((folder / "store" / kind).glob("*.json")):
        if wanted(json.loads(receipt.read_text())):
            return receipt.with_suffix(".h5"), receipt
    raise AssertionError("there is no such shard")


def test_a_flipped_bit_and_an_edited_receipt_are_found(folder):
    shard, _ = shard_of(folder, "scores", lambda receipt: True)
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(bytes(content))
    _, receipt = shard_of(folder, "maps", lambda receipt: receipt["spec"]["spec"]["method"] == "gradient")
    text = json.loads(receipt.read_text())
    text["facts"]["ms_per_image"] = 0.001
    receipt.write_text(json.dumps(text))
    found = [str(finding) for finding in verify(folder).differences]
    assert any(f"{shard.stem}.h5: does not match its receipt" in line for line in found)
    assert any(f"{receipt.stem}.h5: has a receipt with other facts than its own" in line for line in found)


@pytest.mark.parametrize("kind", ["maps", "scores"])
def test_a_careful_forger_is_found_where_the_unit_is_drawn(folder, kind):
    """Who changes a shard and its receipt, and every table with it, still has to make the maps of the method's code."""
    poisoned = next((folder / "store" / "poisoned_model").glob("*.h5")).stem

    def wanted(receipt):
        inputs = receipt["spec"]["inputs"]
        if kind == "maps":
            return receipt["spec"]["spec"]["method"] == "gradient" and inputs["network"] == poisoned
        maps, _ = shard_of(
            folder,
            "maps",
            lambda one: one["spec"]["spec"]["method"] == "gradient" and one["spec"]["inputs"]["network"] == poisoned,
        )
        return inputs["maps"] == maps.stem and "other_maps" not in inputs

    shard, receipt = shard_of(folder, kind, wanted)
    with h5py.File(shard, "r+") as file:
        array = file["maps/input" if kind == "maps" else "value"]
        array[...] = array[...][::-1] if kind == "maps" else np.minimum(array[...] + 0.2, 1)
    text = json.loads(receipt.read_text())
    text |= {"sha256": file_digest(shard), "bytes": shard.stat().st_size}
    receipt.write_text(json.dumps(text))
    if kind == "scores":
        again = peephole.run("quick", out=folder, options=OPTIONS, machine=Machine("cpu"))  # the tables with it
        assert not again.outcome.computed
    assert verify(folder).ok
    result = verify(folder, share=1)
    assert not result.ok
    differing = result.rows[result.rows["status"] == "differs"]
    assert set(differing["method"]) == {"gradient"}
    assert "input" in set(differing["layer"])
    assert differing["reason"].str.startswith("made anew on square, seed 0: ").all()
    assert verify(folder, share=0.01).differences  # one of its models is drawn, and there is but one


def test_a_method_that_fails_now_differs(folder, monkeypatch):
    from peephole.attributions.rules.gradient import Gradient

    def broken(*arguments, **keywords):
        raise RuntimeError("no")

    monkeypatch.setattr(Gradient, "read", broken)
    result = verify(folder, share=1)
    assert set(result.rows.loc[result.rows["status"] == "differs", "method"]) == {"gradient"}
    assert result.rows["reason"].str.contains("it fails now: no").any()


def test_the_same_seed_draws_the_same_and_another_may_not():
    plan = plan_run("quick", options=peephole.Options(seeds=5, methods=("gradient", "deconv")))
    every = {unit.digest for unit in plan.units}
    drawn = draw(plan, every, 0.05, 1)
    assert drawn == draw(plan, every, 0.05, 1) != draw(plan, every, 0.05, 2)
    assert {row.method for row in drawn.rows} == {row.method for row in plan.rows}
    assert draw(plan, every, 0.0, 1) == Drawn((), ())
    assert draw(plan, every, 1.0, 1).rows == plan.rows
    maps = {row.maps.digest for row in plan.rows if row.method == "gradient"}
    fifth = {row.maps.digest for row in draw(plan, every, 0.2, 1).rows if row.method == "gradient"}
    assert len(fifth) == round(0.2 * len(maps)) == 7
    assert len(drawn.levels) == 1
    assert all(len({row.maps for row in drawn.rows if row.method == method}) == 2 for method in ("gradient", "deconv"))


def test_a_store_that_is_read_through_is_never_written_to(folder, tmp_path):
    below = Store(folder / "store")
    shard, _ = shard_of(folder, "scores", lambda receipt: True)
    before = contents(folder)
    over = OverlayStore(tmp_path / "over", below, [shard.stem])
    assert over.receipt("scores", shard.stem) is None
    other = next(path for path in shard.parent.glob("*.h5") if path != shard)
    assert over.read("scores", other.stem).facts == below.read("scores", other.stem).facts
    over.write("scores", shard.stem, {}, below.read("scores", other.stem), 1.0)
    assert over.read("scores", shard.stem).facts == below.read("scores", other.stem).facts
    over.discard("scores", other.stem)
    over.discard("scores", shard.stem)
    assert over.receipt("scores", other.stem) is None
    assert contents(folder) == before


def test_what_cannot_be_verified_is_told_in_one_line(folder, tmp_path):
    merged = peephole.merge([folder], out=tmp_path / "board").folder
    for place, share, words in (
        (tmp_path / "nowhere", 0, "holds no results"),
        (merged, 0, "has no store, and tables alone cannot be recomputed"),
        (folder, 2, "--share is of the models"),
    ):
        with pytest.raises(peephole.PeepholeError, match=words):
            verify(place, share)
    (folder / "request.json").unlink()
    with pytest.raises(peephole.PeepholeError, match=r"has no request\.json"):
        verify(folder)


def test_the_command_prints_a_table_a_sentence_and_an_exit_code(folder):
    """In a process of its own the data set has its usual size, so that nothing in this folder is of this code."""

    def command(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "peephole", "verify", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
        )

    answer = command(folder, "--share", "0", "--quiet")
    assert answer.returncode == 1, answer.stderr
    assert answer.stdout.splitlines()[-1].startswith("quick/v1+triggers=square+metrics=")
    assert "are stale: made by other code" in answer.stdout.splitlines()[-1]
    shutil.rmtree(folder / "store")
    answer = command(folder)
    assert answer.returncode == 2
    assert answer.stderr.startswith("peephole: ")
