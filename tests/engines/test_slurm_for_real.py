"""The Slurm engine on a real Slurm, whose daemons are started for it."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import cluster
import pytest
from sums import begun, one, value

import peephole
from peephole.engines import slurm_array
from peephole.engines.run import run_units
from peephole.errors import PeepholeError
from peephole.machine import Machine
from peephole.runner import Silent
from peephole.store.store import Store
from peephole.store.summary import at_work
from peephole.units.base import in_order
from peephole.workspace import Workspace

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(cluster.reason_against()), reason=f"no Slurm: {cluster.reason_against()}"),
]
ENGINE = "slurm(cpus=1, mem_gb=1)"


@pytest.fixture(scope="module", autouse=True)
def slurm(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch, cluster.cluster(tmp_path_factory.mktemp("slurm")) as found:
        for name, text in found.items():
            patch.setenv(name, text)
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))
        patch.setattr(slurm_array, "ASK", 1.0)
        yield


@pytest.fixture(autouse=True)
def _empty_queue(slurm):
    yield
    try:
        until(lambda: not queue(), 30)
    finally:
        subprocess.run(["scancel", "--user=root"], check=True)


@pytest.fixture
def diary(tmp_path):
    (tmp_path / "diary").mkdir()
    return str(tmp_path / "diary")


@pytest.fixture
def workspace(tmp_path):
    return workspace_in(tmp_path)


def workspace_in(folder, engine=ENGINE, workers=3):
    return Workspace(Store(folder / "store"), Machine("cpu", workers=workers, engine=engine))


def in_background(units, workspace):
    """Run units while the test goes on: the outcome is in the list when the thread has ended."""
    found = []
    thread = threading.Thread(target=lambda: found.append(run_units(units, workspace, Silent())))
    thread.start()
    return thread, found


def until(true, seconds=90):
    end = time.monotonic() + seconds
    while not (result := true()):
        assert time.monotonic() < end, queue()
        time.sleep(0.2)
    return result


def queue(*flags):
    command = ["squeue", "--noheader", "--array", "--format=%i %T %r", *flags]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_three_tasks_share_a_plan_and_each_unit_is_computed_once(workspace, diary):
    first = [one(f"first {place}", place, after=0.3, diary=diary) for place in range(9)]
    second = [
        one(f"second {place}", 100, {"a": first[place], "b": first[place - 1]}, diary=diary) for place in range(9)
    ]
    outcome = run_units(in_order(second), workspace, Silent())
    assert set(outcome.computed) == {*first, *second}
    assert [value(workspace, unit) for unit in second] == [100 + 2 * place - 1 if place else 108 for place in range(9)]
    assert set(begun(diary).values()) == {1}
    assert len({file.name.rsplit("-", 2)[1] for file in Path(diary).iterdir()}) == 3  # processes
    assert run_units(in_order(second), workspace, Silent()).cached == outcome.computed
    assert not list((workspace.store.root / "failures").iterdir())


def test_a_plan_gives_the_same_as_on_this_machine(tmp_path):
    options = peephole.Options(seeds=1, samples=6, epochs=0.1, triggers=("square",), methods=("input_x_gradient",))
    here = peephole.run("quick", out=tmp_path / "here", options=options, machine=Machine("cpu"))
    there = peephole.run(
        "quick", out=tmp_path / "there", options=options, machine=Machine("cpu", workers=3, engine=ENGINE)
    )
    assert set(there.outcome.computed) == set(here.outcome.computed)
    for file in (tmp_path / "here" / "store").glob("*/*.h5"):
        one, other = (Store(tmp_path / side / "store").read(file.parent.name, file.stem) for side in ("here", "there"))
        assert one.arrays.keys() == other.arrays.keys()
        assert all((one.arrays[name] == other.arrays[name]).all() for name in one.arrays)


def test_what_a_killed_worker_had_in_hand_is_done_by_another(workspace, diary, tmp_path):
    (tmp_path / "kill").mkdir()
    (tmp_path / "kill" / "1").touch()
    units = [one("killer", 1, kill=str(tmp_path / "kill"), diary=diary)]
    units += [one(str(place), place, after=0.5, diary=diary) for place in range(6)]
    outcome = run_units(units, workspace, Silent())
    assert set(outcome.computed) == set(units)
    assert begun(diary) == {"killer": 2, **{str(place): 1 for place in range(6)}}


def test_what_kills_every_worker_fails_in_one_line(workspace, tmp_path):
    kill = tmp_path / "kill"
    kill.mkdir()
    for number in range(9):
        (kill / str(number)).touch()
    harmless, killer = one("harmless", 1), one("killer", 1, kill=str(kill))
    outcome = run_units([harmless, killer], workspace, Silent())
    assert outcome.computed == (harmless,)
    reason = outcome.failed[0].reason
    assert "nobody is left to compute it: task" in reason
    assert "ended as FAILED, see " in reason
    assert Path(reason.partition("see ")[2]).is_file()
    more = [one(str(place), place, after=1) for place in range(4)]
    outcome = run_units([killer, *more], workspace, Silent())
    assert outcome.computed == tuple(more)
    assert outcome.failed[0].reason == "its process died, 3 times; is there enough memory?"


def test_a_failing_unit_is_tried_once_and_what_needs_it_is_left_out(workspace, diary):
    broken = one("broken", None, after=1, diary=diary)
    units = [broken, one("dependent", 1, {"a": broken}), *(one(str(place), place, after=0.5) for place in range(5))]
    outcome = run_units(units, workspace, Silent())
    assert [failure.reason for failure in outcome.failed] == ["no number"]
    assert "ValueError" in outcome.failed[0].trace
    assert "_log.out" in outcome.failed[0].trace
    assert outcome.skipped == (units[1],)
    assert len(outcome.computed) == 5
    assert begun(diary) == {"broken": 1}


def test_a_requeued_task_goes_on(workspace, diary):
    units = [one("long", 1, after=8, diary=diary), one("next", 2, diary=diary)]
    workspace = workspace_in(workspace.store.root.parent, workers=1)
    thread, found = in_background(units, workspace)
    until(lambda: begun(diary))
    subprocess.run(["scontrol", "requeue", queue().split()[0]], check=True)
    until(lambda: not workspace.store.leases.alive(), 20)  # let go of, long before it expires
    thread.join(120)
    assert set(found[0].computed) == set(units)
    assert begun(diary)["long"] == 2


def test_a_task_whose_time_is_up_goes_on_where_its_training_was(tmp_path):
    engine = 'slurm(cpus=1, mem_gb=2, time=2, sbatch="--signal=USR2@20")'  # Slurm looks twice a minute only
    options = peephole.Options(seeds=1, samples=6, epochs=100, triggers=("square",), methods=("input_x_gradient",))
    machine, store = Machine("cpu", engine=engine), Store(tmp_path / "store")
    ended = []

    def head():
        try:
            peephole.run("quick", out=tmp_path, options=options, machine=machine)
        except PeepholeError as error:
            ended.append(str(error))

    def share():
        return next((held.work.share for held in at_work(store)), 0.0)

    thread = threading.Thread(target=head)
    thread.start()
    log = until(lambda: list((tmp_path / "logs" / "slurm").glob("*/*_log.out")))[0]
    before = 0.0
    while "Requeued job" not in log.read_text():
        before = max(before, share())
    assert len(list((store.root / "checkpoints").iterdir())) == 1
    assert until(share) >= before > 0
    assert log.read_text().count("Starting with") == 2
    subprocess.run(["scancel", "--user=root"], check=True)
    thread.join(60)
    assert "nobody is left to compute it: task" in ended[0]
    assert "ended as CANCELLED, see" in ended[0]


def test_ctrl_c_at_the_head_cancels_and_the_same_command_goes_on(tmp_path, diary):
    script = f"""
import signal
from test_slurm_for_real import *
from peephole.cli.stopping import raise_on_termination
units = [one(str(place), place, after=1.0, diary={diary!r}) for place in range(8)]
slurm_array.ASK = 1.0
print(len(run_units(units, workspace_in(Path({str(tmp_path)!r})), Silent()).computed))
"""
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=dict(os.environ)) as head:
        until(lambda: len(begun(diary)) > 3)
        head.send_signal(2)
        assert "KeyboardInterrupt" in head.communicate(timeout=30)[1]
    until(lambda: not queue(), 20)
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ)).stdout
    assert 0 < int(done) < 8


def test_a_head_that_is_killed_is_not_missed(tmp_path, diary):
    script = f"""
from test_slurm_for_real import *
units = [one(str(place), place, after=1.0, diary={diary!r}) for place in range(8)]
run_units(units, workspace_in(Path({str(tmp_path)!r})), Silent())
"""
    with subprocess.Popen([sys.executable, "-c", script], env=dict(os.environ)) as head:
        until(lambda: begun(diary))
        head.kill()
    units = [one(str(place), place, after=1.0, diary=diary) for place in range(8)]
    outcome = run_units(units, workspace_in(tmp_path), Silent())
    assert not outcome.failed
    assert set(begun(diary).values()) == {1}


def test_a_refused_partition_is_said_in_one_line(tmp_path):
    with pytest.raises(PeepholeError) as refused:
        run_units([one("a", 1)], workspace_in(tmp_path, "slurm(partition=nope)"), Silent())
    assert str(refused.value) == "Slurm refuses the job: Invalid partition name specified."
    assert not list((tmp_path / "store" / "failures").iterdir())
