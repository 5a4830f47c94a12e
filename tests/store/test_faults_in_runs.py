"""Whole runs on stores and disks that fail: the same scores, or one line."""

import shutil
import subprocess

import numpy as np
import pytest

import peephole
from peephole.datasets.shapes import Shapes
from peephole.machine import Machine
from peephole.store.checking import check_store, repair
from peephole.store.contents import kinds
from peephole.store.store import Store

pytestmark = pytest.mark.slow

OPTIONS = peephole.Options(seeds=1, samples=8, triggers=("square",), methods=("gradient",))
FLAGS = ("--seeds", 1, "--samples", 8, "--triggers", "square", "--methods", "gradient")
KINDS = (
    *("calibration_maps", "clean_model", "kis_sample", "levels", "maps"),
    *("poisoned_model", "probe_set", "sanity_scores", "scores", "twin_model"),
)


@pytest.fixture(scope="module", autouse=True)
def small():
    """The embedded data set with fewer pictures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Shapes, "counts", {"train": 3000, "test": 600})
        yield


def again(folder):
    return peephole.run("quick", out=folder, options=OPTIONS, machine=Machine("cpu"))


def values(result):
    """All scores, by what they are of."""
    return result.scores.set_index(["trigger", "method", "layer", "metric"])["value"].to_dict()


@pytest.fixture(scope="module")
def finished(small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished") / "results"
    return folder, values(again(folder))


@pytest.fixture
def copied(finished, tmp_path):
    shutil.copytree(finished[0], tmp_path / "copy")
    return tmp_path / "copy"


def test_these_are_all_kinds(finished):
    assert set(KINDS) == set(kinds(Store(finished[0] / "store")))


@pytest.mark.parametrize("damage", ["flipped", "truncated"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_shard_changes_no_score_and_is_made_again(finished, copied, kind, damage):
    store = Store(copied / "store")
    path = sorted((store.root / kind).glob("*.h5"))[-1]
    content = bytearray(path.read_bytes())
    content[int(np.random.default_rng(len(content)).integers(len(content)))] ^= 32
    path.write_bytes(content if damage == "flipped" else content[:-100])
    assert values(again(copied)) == finished[1]
    left = check_store(store)
    assert {fault.digest for fault in left} <= {path.stem}, "what nobody needed to read is still to be named"
    assert repair(store, left) == left
    assert values(again(copied)) == finished[1]
    assert check_store(store) == []


def test_a_full_disk_ends_a_run_with_one_line_and_it_goes_on_after_room_was_made(small_disk, command, finished):
    folder = small_disk / "results"
    code, out, errors = command("run", "--out", folder, *FLAGS, "--quiet", "--device", "cpu")
    assert (code, out) == (2, "")
    (line,) = errors
    assert "no space left" in line
    assert "make room" in line
    assert check_store(Store(folder / "store")) == []
    kept = set((folder / "store").glob("*/*.json"))
    assert kept
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    before = {path: path.stat().st_mtime_ns for path in kept}
    assert command("run", "--out", folder, *FLAGS, "--quiet", "--device", "cpu")[0] == 0
    assert {path: path.stat().st_mtime_ns for path in kept} == before
    assert values(again(folder)) == finished[1]


def test_read_only_results_are_read_and_verified_and_not_run_on(copied, read_only, command, tmp_path):
    (tmp_path / "mine.py").write_text("def explain(model, x, target):\n    return x\n")
    read_only(copied)
    assert command("leaderboard", copied)[0] == 0
    code, out, _ = command("verify", copied, "--share", 0.01, "--seed", 1, "--device", "cpu", "--quiet")
    assert (code, "Differs" in out) == (0, False)
    for arguments in (("run", "--out", copied, *FLAGS), ("submit", tmp_path / "mine.py", "--out", copied)):
        code, _, errors = command(*arguments, "--quiet")
        assert code == 2
        (line,) = errors
        assert "not writable" in line or "Read-only" in line
