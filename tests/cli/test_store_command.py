"""`peephole store` as a user meets it."""

import json
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from peephole.cli import main
from peephole.leaderboard.tables import SCORES, read_csv, write_csv
from peephole.options import Options
from peephole.request import request_of, write_request
from peephole.runner import plan_run
from peephole.store.folder import open_folder
from peephole.store.lease import Work
from peephole.store.leases import EXPIRY, Leases
from peephole.store.owner import Owner
from peephole.store.shard import Shard
from peephole.store.store import Store

ENCODED = Path(__file__).parents[1] / "store" / "encoded" / "v1"
MAPS = "770b77cf0c5dde22b1bc8d5a55b99b57"
ELSEWHERE = Owner("node-7", "another machine", 1, 0.0, "x")


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(ENCODED, open_folder(tmp_path / "results", create=True) / "store")
    return tmp_path / "results"


@pytest.fixture
def store(capsys, monkeypatch):
    """Runs the command: exit code, standard output, lines of standard error."""

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["peephole", "store", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        return end.value.code or 0, out, err.splitlines()

    return run


def left(folder):
    path = folder / "store" / "tmp" / "a.tmp"
    path.parent.mkdir()
    path.write_bytes(bytes(2_000_000))
    os.utime(path, (time.time() - 2 * EXPIRY,) * 2)
    return path


@pytest.mark.parametrize("command", [[], ["ls"], ["check"], ["gc"], ["export"]])
def test_every_command_has_help_that_shows_how(store, command):
    code, out, _ = store(*command, "--help")
    assert code == 0
    assert "Examples:" in out or not command


def test_ls_has_a_line_a_kind(store, folder):
    code, out, errors = store("ls", folder)
    assert (code, errors) == (0, [])
    lines = [line.split() for line in out.splitlines() if line.strip()]
    assert ["maps", "2", "0.0", "0.001"] in [line[:4] for line in lines]
    assert ["all", "3", "0.0", "0.001"] in lines
    assert "Nobody is at work." in out
    assert "Left behind" not in out


def test_ls_says_who_is_at_work_and_what_was_left(store, folder):
    left(folder)
    assert "Left behind by killed runs: 1 files, 2.0 MB, 0 leases; peephole store gc" in store("ls", folder)[1]
    Leases(folder / "store", owner=ELSEWHERE, heartbeat=None).take("ab", "train resnet8", "cuda:1")
    assert "At work: train resnet8 (node-7, cuda:1), 0%, since 2" in store("ls", folder)[1]
    seen = json.loads(store("ls", folder, "--json")[1])
    (one,) = seen["at_work"]
    assert (one["label"], one["host"], one["device"]) == ("train resnet8", "node-7", "cuda:1")
    assert set(one) > set(Work.__dataclass_fields__) - {"began"}
    assert [(kind["kind"], kind["count"]) for kind in seen["kinds"]] == [("maps", 2), ("probe_set", 1)]


def test_ls_has_a_line_a_shard_that_says_what_it_is_of(store, folder):
    out = store("ls", folder, "--kind", "maps")[1]
    assert MAPS in out
    assert "gradient, on square, resnet8, seed 0" in out
    rows = json.loads(store("ls", folder, "--kind", "maps", "--json")[1])
    known = {row["digest"]: row for row in rows}
    assert (known[MAPS]["method"], known[MAPS]["trigger"], known[MAPS]["seconds"]) == ("gradient", "square", 1.25)
    code, _, (line,) = store("ls", folder, "--kind", "map")
    assert code == 2
    assert "unknown kind 'map'. Did you mean 'maps'" in line


def test_ls_needs_no_torch(folder):
    import subprocess
    import sys

    code = f"import sys; sys.argv = ['p', 'store', 'ls', {str(folder)!r}]\nfrom peephole.cli import app\n"
    code += "app(standalone_mode=False)\nassert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def test_check_names_each_fault_and_repair_discards_it(store, folder):
    assert store("check", folder)[:2] == (0, "3 shards, all sound.\n")
    path = folder / "store" / "maps" / f"{MAPS}.h5"
    path.write_bytes(path.read_bytes()[:-1])
    code, out, errors = store("check", folder)
    assert (code, errors) == (1, [])
    first, last = out.splitlines()
    assert first.startswith(f"{path} is 20720 bytes long, its receipt says 20721; peephole store check --repair")
    assert last == "3 shards, 1 at fault."
    found = json.loads(store("check", folder, "--json")[1])
    assert (found["sound"], [one["file"] for one in found["faults"]]) == (False, [f"store/maps/{MAPS}.h5"])
    code, out, _ = store("check", folder, "--repair")
    assert code == 1
    assert "discarded, the next run makes it again." in out
    assert not path.exists()
    assert store("check", folder)[:2] == (0, "2 shards, all sound.\n")


def test_gc_takes_leftovers_and_a_dry_run_lists_them(store, folder):
    path = left(folder)
    code, out, _ = store("gc", folder, "--dry-run")
    assert code == 0
    assert out.splitlines() == [
        f"{path} (2000000 bytes)",
        "leftovers: 1 files and 0 leases would be taken away, 2.0 MB.",
    ]
    assert path.exists()
    assert store("gc", folder)[1] == "leftovers: 1 files and 0 leases taken away, 2.0 MB.\n"
    assert not path.exists()
    assert json.loads(store("gc", folder, "--json")[1])["leftovers"]["files"] == []


def test_gc_waits_while_somebody_is_at_work(store, folder):
    path = left(folder)
    Leases(folder / "store", owner=ELSEWHERE, heartbeat=None).take("ab", "train resnet8")
    assert "somebody is at work" in store("gc", folder)[1]
    assert path.exists()
    code, _, (line,) = store("gc", folder, "--unused")
    assert code == 2
    assert "somebody is at work on" in line


@pytest.fixture
def ran(folder):
    """Results that hold all units of a run, two shards of another one, and its board."""
    options = Options(samples=4, seeds=1, triggers=("square",), methods=("gradient",))
    plan = plan_run("quick", options=options)
    store = Store(folder / "store")
    for unit in plan.units:
        store.write(unit.kind, unit.digest, unit.identity, Shard({"x": np.zeros(1)}), 0.0)
    write_request(request_of(plan, options), folder)
    rows = [
        {"trigger": row.backdoor.trigger, "seed": 0, "method": row.method, "layer": "input", "metric": metric}
        | {"kind": "calibration" if row.is_calibration else "method"}
        for row in plan.rows
        for metric in row.metrics
    ]
    write_csv(pd.DataFrame(rows), folder / SCORES)
    return folder, plan


def test_gc_unused_leaves_what_the_board_needs(store, ran):
    folder, plan = ran
    needed = {unit.digest for unit in plan.units}
    dry = store("gc", folder, "--unused", "--dry-run")[1]
    assert "unused: 2 shards of kind maps would be taken away" in dry
    assert f"unused: 3 shards would be taken away, 0.0 MB; {len(needed)} are needed." in dry
    assert len(list((folder / "store").rglob("*.h5"))) == len(needed) + 3
    gone = json.loads(store("gc", folder, "--unused", "--json")[1])["unused"]
    assert (gone["shards"], gone["kept"]) == (3, len(needed))
    assert {path.stem for path in (folder / "store").rglob("*.h5")} == needed
    assert {path.stem for path in (folder / "store").glob("*/*.json")} == needed


def test_gc_unused_takes_nothing_that_a_stale_board_is_made_of(store, ran):
    folder, plan = ran
    row = next(row for row in plan.rows if row.method == "gradient")
    Store(folder / "store").discard(row.maps.kind, row.maps.digest)
    before = sorted((folder / "store").rglob("*.h5"))
    code, out, (line,) = store("gc", folder, "--unused")
    assert (code, out) == (2, "")
    assert "were made by other code, or asked for otherwise, than now" in line
    assert sorted((folder / "store").rglob("*.h5")) == before


def test_gc_unused_takes_nothing_where_board_and_request_are_of_two_runs(store, ran):
    folder, _ = ran
    write_csv(read_csv(folder / SCORES).assign(method="grad_cam"), folder / SCORES)
    code, out, (line,) = store("gc", folder, "--unused")
    assert (code, out) == (2, "")
    assert "asked for otherwise" in line


def test_gc_unused_takes_nothing_that_is_newer_than_the_board(store, ran):
    folder, _ = ran
    Store(folder / "store").write("maps", "5" * 32, {"kind": "maps"}, Shard({"x": np.zeros(1)}), 0.0)
    later = (folder / SCORES).stat().st_mtime + 5
    os.utime(folder / "store" / "maps" / f"{'5' * 32}.h5", (later, later))
    code, out, (line,) = store("gc", folder, "--unused")
    assert (code, out) == (2, "")
    assert "1 shards that the board of" in line
    assert "do the run again first" in line


def test_gc_unused_needs_to_know_what_was_asked(store, folder):
    code, _, (line,) = store("gc", folder, "--unused")
    assert code == 2
    assert "has no request.json" in line


def test_export_writes_one_file(store, folder, tmp_path):
    code, out, errors = store("export", tmp_path / "e.h5", "--from", folder, "--kinds", "maps", "--methods", "gradient")
    assert (code, errors) == (0, [])
    assert out.startswith(f"1 shards in {tmp_path}/e.h5, 0.")
    done = json.loads(store("export", tmp_path / "l.h5", "--from", folder, "--link", "--json")[1])
    assert (done["shards"], done["linked"]) == (3, True)
    code, _, (line,) = store("export", folder / "store" / "e.h5", "--from", folder)
    assert code == 2
    assert "lies in the store" in line


@pytest.mark.parametrize("command", [["ls"], ["check"], ["gc"], ["export", "e.h5", "--from"]])
def test_a_folder_that_is_no_store_is_refused_and_left_alone(store, tmp_path, command):
    (tmp_path / "thesis.tex").write_text("…")
    for place in (tmp_path, tmp_path / "nowhere", tmp_path / "thesis.tex"):
        code, out, (line,) = store(*command, place)
        assert (code, out) == (2, "")
        assert "holds no results" in line
    open_folder(tmp_path / "empty", create=True)
    code, _, (line,) = store(*command, tmp_path / "empty")
    assert code == 2
    assert "has no store" in line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "thesis.tex"]
