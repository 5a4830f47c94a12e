"""The Slurm engine with commands that only look like Slurm's."""

import importlib.util
import os
import pickle
import signal
import threading
import time
from pathlib import Path

import pytest
from sums import begun, one

from peephole.engines import slurm_array, slurm_head, slurm_worker
from peephole.engines.base import NAMING
from peephole.engines.errand import Kit
from peephole.engines.failures import Failures
from peephole.engines.run import run_units
from peephole.engines.slurm_array import Array
from peephole.engines.slurm_worker import Worker, write_errand
from peephole.errors import PeepholeError
from peephole.machine import Machine
from peephole.runner import Silent
from peephole.store.store import Store
from peephole.workspace import Workspace

SBATCH = """
cp "$1" {folder}/script
env > {folder}/environment
[ -f {folder}/refusal ] && cat {folder}/refusal >&2 && exit 1
for task in $(cat {folder}/tasks); do
    SLURM_JOB_ID=7$task SLURM_ARRAY_JOB_ID=7 SLURM_ARRAY_TASK_ID=$task bash "$1" > {folder}/out$task 2>&1 &
done
echo "Submitted batch job 7"
"""
SRUN = """
while [[ "$1" != *python* ]]; do shift; done
exec "$@"
"""
SQUEUE = """
[ -f {folder}/trouble ] && cat {folder}/trouble >&2 && exit 1
cat {folder}/states
"""
SCANCEL = 'echo "$@" >> {folder}/cancelled'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """With files that say what the commands are to do, and what they were told."""
    for name, text in {"sbatch": SBATCH, "srun": SRUN, "squeue": SQUEUE, "scancel": SCANCEL}.items():
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/bash{chr(10)}{text.format(folder=tmp_path)}")
        path.chmod(0o755)
    (tmp_path / "tasks").write_text("")
    (tmp_path / "states").write_text("")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    monkeypatch.setattr(slurm_array, "ASK", 0.0)
    monkeypatch.setattr(slurm_head, "LOOK", 0.1)
    return tmp_path


def workspace_in(folder, engine="slurm(cpus=1)", workers=2, device="cpu"):
    return Workspace(Store(folder / "store"), Machine(device, workers=workers, engine=engine))


def parameters(text, machine=None):
    return NAMING.build(text).parameters(machine or Machine("cpu"))


class Job:
    def __init__(self, name, folder=Path("logs")):
        self.job_id = name
        self.paths = type("Paths", (), {"stdout": folder / f"{name}_0_log.out"})


def test_two_tasks_do_the_work_and_leave_nothing_but_logs(folder):
    (folder / "tasks").write_text("0 1")
    (folder / "states").write_text("7_0|RUNNING\n7_1|RUNNING\n")
    (folder / "diary").mkdir()
    good = [one(str(place), place, after=0.3, diary=str(folder / "diary")) for place in range(6)]
    broken = one("broken", None, diary=str(folder / "diary"))
    outcome = run_units([*good, broken, one("needs it", 1, {"a": broken})], workspace_in(folder), Silent())
    assert outcome.computed == tuple(good)
    assert [failure.reason for failure in outcome.failed] == ["no number"]
    assert len(outcome.skipped) == 1
    assert begun(folder / "diary") == {unit.label: 1 for unit in (*good, broken)}
    assert not list((folder / "store" / "failures").iterdir())
    assert not list(folder.glob("logs/slurm/*/errand.pkl"))
    assert (folder / "cancelled").read_text() == "--state=PENDING 7\n"


def test_what_nobody_is_left_to_do_fails_with_the_state_and_the_log(folder):
    (folder / "states").write_text("7_0|COMPLETED\n7_1|OUT_OF_MEMORY\n")
    units = [one("a", 1), one("b", 2)]
    outcome = run_units(units, workspace_in(folder), Silent())
    log = next((folder / "logs" / "slurm").iterdir()) / "7_1_0_log.out"
    assert {failure.reason for failure in outcome.failed} == {
        f"nobody is left to compute it: task 7_1 ended as OUT_OF_MEMORY, see {log}"
    }
    assert {failure.unit for failure in outcome.failed} == set(units)


def test_what_somebody_else_has_in_hand_is_waited_for_though_all_tasks_have_ended(folder):
    workspace = workspace_in(folder)
    unit = one("a", 1)
    lease = workspace.store.leases.take(unit.digest)

    def finish():
        Workspace(workspace.store).store.write(unit.kind, unit.digest, unit.identity, unit.compute(workspace), 0.0)
        lease.release()

    timer = threading.Timer(1.0, finish)
    timer.start()
    assert run_units([unit], workspace, Silent()).computed == (unit,)
    timer.join()


def test_ctrl_c_cancels_the_array(folder):
    (folder / "states").write_text("7_0|PENDING\n")

    class Stop(Silent):
        def started(self, unit):
            raise KeyboardInterrupt

    workspace = workspace_in(folder)
    unit = one("a", 1)
    lease = workspace.store.leases.take(unit.digest)
    with pytest.raises(KeyboardInterrupt):
        run_units([unit], workspace, Stop())
    lease.release()
    assert (folder / "cancelled").read_text() == "7\n"
    assert not list((folder / "store" / "failures").iterdir())


def test_nothing_is_submitted_for_a_plan_that_is_done(folder):
    workspace, unit = workspace_in(folder), one("a", 1)
    workspace.store.write(unit.kind, unit.digest, unit.identity, unit.compute(workspace), 0.0)
    assert run_units([unit], workspace, Silent()).cached == (unit,)
    assert not (folder / "script").exists()


def test_options_reach_the_script(folder):
    engine = (
        "slurm(partition=gpu, account=lab, qos=high, time=90, gpus=2, cpus=8, mem_gb=1.5, "
        "setup='module load cuda', sbatch='--constraint=a100 --exclusive')"
    )
    (folder / "states").write_text("7_0|TIMEOUT\n7_1|TIMEOUT\n")
    run_units([one("a", 1), one("b", 2)], workspace_in(folder, engine), Silent())
    lines = (folder / "script").read_text().splitlines()
    for flag in (
        *("partition=gpu", "account=lab", "qos=high", "time=90", "gpus-per-node=2", "cpus-per-task=8", "mem=1536M"),
        *("constraint=a100", "exclusive", "requeue", "array=0-1%2", "signal=USR2@120", "job-name=peephole"),
    ):
        assert f"#SBATCH --{flag}" in lines
    assert not any("wckey" in line for line in lines)
    assert lines.index("export OMP_NUM_THREADS=8") < lines.index("module load cuda")
    command = next(line for line in lines if line.startswith("srun"))
    assert lines.index("module load cuda") < lines.index(command)
    assert "--cpus-per-task=8" in command
    assert str(folder / "logs" / "slurm") in command


@pytest.mark.parametrize(
    ("text", "machine", "gpus"),
    [
        ("slurm", Machine("cpu"), None),
        ("slurm", Machine("auto"), None),
        ("slurm", Machine("cuda"), 1),
        ("slurm", Machine("cuda:1", devices=4), 4),
        ("slurm(gpus=3)", Machine("auto"), 3),
        ("slurm(gpus=0)", Machine("cuda"), None),
    ],
)
def test_gpus_follow_the_device(text, machine, gpus):
    assert parameters(text, machine).get("gpus_per_node") == gpus


def test_a_short_task_is_told_in_its_second_half():
    assert parameters("slurm(time=1)")["signal_delay_s"] == 30


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("slurm(time=0)", "time should be greater than 0, not 0"),
        ("slurm(cpus=two)", "cpus should be a valid integer"),
        ("slurm(gpus=-1)", "gpus should be greater than or equal to 0, not -1"),
        ("slurm(queue=gpu)", "there is no option queue; slurm takes partition=None, account=None"),
        ("slurm(sbatch='-C a100')", "sbatch: expected options such as --constraint=a100, not -C"),
    ],
)
def test_wrong_options_are_refused_in_one_line(text, message):
    with pytest.raises(PeepholeError) as refused:
        NAMING.build(text)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("job", [None, "5"])
def test_what_a_job_of_ours_was_given_is_not_asked_for_again(folder, monkeypatch, job):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    for name, value in {
        "SLURM_JOB_ID": job,
        "SLURM_CONF": "conf",
        "SLURM_MEM_PER_NODE": "7",
        "SBATCH_QOS": "q",
    }.items():
        if value is not None:
            monkeypatch.setenv(name, value)
    (folder / "states").write_text("7|TIMEOUT\n")
    run_units([one("a", 1)], workspace_in(folder), Silent())
    passed_on = {line.partition("=")[0] for line in (folder / "environment").read_text().splitlines()}
    assert "SLURM_CONF" in passed_on
    assert passed_on.isdisjoint({"SLURM_JOB_ID", "SLURM_MEM_PER_NODE", "SBATCH_QOS"}) == (job is not None)
    assert os.environ.get("SLURM_MEM_PER_NODE") == "7"


def test_a_refusal_is_said_as_slurm_says_it(folder):
    (folder / "refusal").write_text(
        "sbatch: error: invalid partition specified: nope\n"
        "sbatch: error: Batch job submission failed: Invalid partition name specified\n"
    )
    with pytest.raises(PeepholeError) as refused:
        run_units([one("a", 1)], workspace_in(folder), Silent())
    assert str(refused.value) == "Slurm refuses the job: Invalid partition name specified."
    assert not list((folder / "store" / "failures").iterdir())


def test_without_slurm_or_submitit_it_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    engine = NAMING.build("slurm")
    with pytest.raises(PeepholeError, match="needs sbatch, srun, squeue, scancel on the PATH"):
        engine.check(workspace_in(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(PeepholeError, match=r"needs submitit: pip install 'peephole\[slurm\]'"):
        engine.check(workspace_in(tmp_path))
    assert not list(tmp_path.iterdir())


def test_an_array_is_over_when_all_tasks_have_ended_twice_in_a_row(folder):
    array = Array([Job("7_0"), Job("7_1")])
    states = folder / "states"
    states.write_text("7_0|RUNNING\n7_1|PENDING\n")
    assert not array.is_over
    states.write_text("7_0|COMPLETED\n7_1|PREEMPTED\n")
    assert not array.is_over
    states.write_text("7_0|COMPLETED\n7_1|PENDING\n")  # put into the queue again
    assert not array.is_over
    (folder / "trouble").write_text("slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n")
    assert not array.is_over
    assert not array.is_over
    (folder / "trouble").unlink()
    states.write_text("7_1|NODE_FAIL\n")  # the other is forgotten
    assert not array.is_over
    assert array.is_over
    assert "task 7_1 ended as NODE_FAIL" in array.last_words()


def test_an_array_that_slurm_does_not_know_is_over(folder):
    (folder / "trouble").write_text("slurm_load_jobs error: Invalid job id specified\n")
    array = Array([Job("7")])
    assert not array.is_over
    assert array.is_over
    assert array.last_words() == f"task 7 ended as unknown to Slurm, see {Path('logs/7_0_log.out')}"


def test_the_last_words_of_a_worker_are_repeated(folder):
    job = Job("7_0", folder)
    job.paths.stdout.write_text("sum 1\npeephole: no space left on the disk.\nsrun: error: exit code 1\n")
    (folder / "states").write_text("7_0|FAILED\n")
    array = Array([job])
    assert not array.is_over
    assert array.last_words().endswith("7_0_0_log.out: no space left on the disk.")


@pytest.fixture
def task(tmp_path, monkeypatch):
    """A worker in this process, with units that take long, as submitit would start it."""
    for name, value in {"EXECUTOR": "slurm", "FOLDER": str(tmp_path)}.items():
        monkeypatch.setenv(f"SUBMITIT_{name}", value)
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setattr(slurm_worker, "GRACE", 0.0)
    (tmp_path / "diary").mkdir()
    workspace = workspace_in(tmp_path)
    units = one("long", 1, after=30, diary=str(tmp_path / "diary")), one("next", 2)
    write_errand(tmp_path / "errand.pkl", units, Kit.of(workspace).on("cpu"))
    Failures(workspace.store, "run").begin()
    return Worker(tmp_path / "errand.pkl", "run")


@pytest.fixture
def handled():
    """Signals that came to where submitit's handler would be."""
    found = []
    previous = {each: signal.getsignal(each) for each in (signal.SIGUSR2, signal.SIGTERM)}
    signal.signal(signal.SIGUSR2, lambda number, frame: found.append(number))
    yield found
    for number, handler in previous.items():
        signal.signal(number, handler)


def call(task, *signals):
    """Call a worker, and send it signals while it is at its first unit."""

    def send():
        while not begun(task.errand.parent / "diary"):
            time.sleep(0.01)
        for each in signals:
            os.kill(os.getpid(), each)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        task(0)
    finally:
        sender.join()


@pytest.mark.parametrize(
    ("signals", "passed_on"),
    [((signal.SIGTERM,), []), ((signal.SIGUSR2,), [signal.SIGUSR2]), ((signal.SIGTERM, signal.SIGUSR2), None)],
)
def test_a_worker_that_is_to_end_lets_go_of_its_leases_first(task, handled, signals, passed_on, tmp_path):
    before = signal.getsignal(signal.SIGUSR2), signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as ended:
        call(task, *signals)
    assert ended.value.code == 128 + signal.SIGTERM
    assert handled == ([signal.SIGUSR2] if passed_on is None else passed_on)
    assert not list((tmp_path / "store" / "leases").glob("*/*"))
    assert (signal.getsignal(signal.SIGUSR2), signal.getsignal(signal.SIGTERM)) == before
    assert [file.name for file in (tmp_path / "store" / "failures" / "run").iterdir()] == ["open"]


def test_what_submitit_puts_into_the_queue_again_is_the_same_work(task):
    assert pickle.loads(pickle.dumps(task.checkpoint(3))).args == (3,)
    assert task.checkpoint(3).function == task


def test_a_worker_that_comes_too_late_just_ends(task):
    task.errand.unlink()
    task(0)


def test_a_worker_that_cannot_go_on_says_so_in_its_log(task, tmp_path, capsys):
    (tmp_path / "store" / "tmp").write_text("a file where a folder should be")
    write_errand(task.errand, (one("a", 1),), Kit.of(workspace_in(tmp_path)))
    with pytest.raises(SystemExit, match="1"):
        task(0)
    assert "\npeephole: cannot write to" in capsys.readouterr().out
