"""A process that is killed again and again at random moments, and what is found when one is let finish."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from peephole.store.store import TEMPORARY, Store

PLAN = Path(__file__).with_name("noise_plan.py")
KILLS = 50
UNITS = 240
SECONDS = 0.03
"""A unit."""


def start(*command, seconds=0.0):
    environment = {**os.environ, "NOISE_SECONDS": str(seconds)}
    return subprocess.Popen([sys.executable, *map(str, command)], stdout=subprocess.PIPE, text=True, env=environment)


def finish(*command):
    process = start(*command)
    printed, _ = process.communicate(timeout=600)
    assert process.returncode == 0, printed
    return printed


def content(root):
    """All arrays of a store, each shard compared with its receipt on the way."""
    store = Store(root)
    return {
        (path.parent.name, path.stem, name): array
        for path in sorted(root.glob("*/*.json"))
        for name, array in store.read(path.parent.name, path.stem).arrays.items()
    }


@pytest.mark.parametrize("kills", [15, pytest.param(KILLS, marks=pytest.mark.slow)])
def test_after_many_kills_everything_is_as_if_there_had_been_none(tmp_path, kills):
    undisturbed = finish(PLAN, tmp_path / "whole", UNITS)
    assert f"{UNITS} computed" in undisturbed
    draws = random.Random(7)
    killed = 0
    for _ in range(kills):
        process = start(PLAN, tmp_path / "killed", UNITS, seconds=SECONDS)
        process.stdout.readline()  # at work
        time.sleep(draws.uniform(0, 4 * SECONDS * KILLS / kills))  # as much in all, however often
        process.send_signal(signal.SIGKILL)
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
    assert killed == kills, "each kill hit a process at work"
    before = len(list((tmp_path / "killed").glob("noise/*.json")))
    assert 0 < before < UNITS
    rest = finish(PLAN, tmp_path / "killed", UNITS)
    assert f"{UNITS - before} computed, 0 failed" in rest, "nothing that was done was lost"
    expected, found = content(tmp_path / "whole"), content(tmp_path / "killed")
    assert len(expected) == 2 * UNITS
    assert expected.keys() == found.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(array, found[name])
    # What the killed ones left is in one folder, and a later look finds nobody at work.
    assert Store(tmp_path / "killed").leases.alive() == []
    assert {path.name for path in (tmp_path / "killed").iterdir()} == {"noise", "leases", TEMPORARY}


@pytest.mark.slow
def test_a_real_run_that_is_killed_fifty_times_has_the_scores_of_an_undisturbed_one(tmp_path):
    command = ("-m", "peephole", "run", "quick", "--device", "cpu", "--workers", 1, "--quiet", "--seeds", 1)
    command += ("--triggers", "square,badnet", "--methods", "gradient,grad_cam,deeplift", "--samples", 60)
    command += ("--epochs", 1, "--out")
    finish(*command, tmp_path / "whole")
    draws = random.Random(3)
    killed = 0
    for _ in range(KILLS):
        process = start(*command, tmp_path / "killed")
        try:
            process.communicate(timeout=draws.uniform(1, 12))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            killed += 1
    assert killed > KILLS / 2
    finish(*command, tmp_path / "killed")
    tables = [pd.read_csv(tmp_path / name / "scores.csv") for name in ("whole", "killed")]
    timed = [column for column in tables[0] if column in ("ms_per_image", "passes")]
    pd.testing.assert_frame_equal(*(table.drop(columns=timed) for table in tables))


def test_two_at_once_share_the_work_and_do_nothing_twice(tmp_path):
    processes = [start(PLAN, tmp_path, UNITS // 2, seconds=SECONDS) for _ in range(2)]
    printed = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    computed = [int(text.splitlines()[-1].split()[0]) for text in printed]
    assert sum(computed) == UNITS // 2


@pytest.mark.slow
def test_two_real_runs_at_once_write_the_same_board_and_do_nothing_twice(tmp_path):
    import json

    command = ("-m", "peephole", "run", "quick", "--device", "cpu", "--json", "--seeds", 2, "--samples", 60)
    command += ("--triggers", "square,badnet", "--methods", "gradient,grad_cam,deeplift", "--epochs", 1, "--out")
    processes = [start(*command, tmp_path / "shared") for _ in range(2)]
    printed = [json.loads(process.communicate(timeout=600)[0]) for process in processes]
    total = sum(printed[0]["units"][what] for what in ("computed", "cached"))
    assert sum(one["units"]["computed"] for one in printed) == total
    assert all(not one["units"]["failed"] for one in printed)
    assert printed[0]["leaderboard"] == printed[1]["leaderboard"]
