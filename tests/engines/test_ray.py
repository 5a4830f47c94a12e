"""Ray for real: clusters of two nodes on this machine, whose processes and nodes are killed."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from sums import begun, one, value

from peephole.engines.base import NAMING
from peephole.engines.kinds.ray import Ray
from peephole.engines.ray_cluster import check_ray, places
from peephole.engines.ray_worker import Passport, visit
from peephole.engines.run import run_units
from peephole.errors import PeepholeError
from peephole.machine import Machine
from peephole.runner import Silent
from peephole.store.store import Store
from peephole.units.base import in_order
from peephole.workspace import Workspace

cluster_utils = pytest.importorskip("ray.cluster_utils")

HERE = Path(__file__).parent
WAIT = 60


@pytest.fixture(scope="module")
def environment():
    """Nodes find the units of tests; Ray says nothing to anybody."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(HERE), prepend=os.pathsep)
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        yield


@pytest.fixture(scope="module")
def nodes(environment):
    """A head without processors, and a node."""
    cluster = cluster_utils.Cluster(
        initialize_head=True, head_node_args={"num_cpus": 0, "object_store_memory": 10**8, "include_dashboard": False}
    )
    cluster.add_node(num_cpus=2, object_store_memory=10**8)
    yield cluster
    cluster.shutdown()


@pytest.fixture
def diary(tmp_path):
    (tmp_path / "diary").mkdir()
    return tmp_path / "diary"


def workspace_of(folder, engine="local", device="cpu"):
    return Workspace(Store(Path(folder)), Machine(device, engine=engine))


def on(cluster, **options):
    given = "".join(f", {name}={value}" for name, value in options.items())
    return f"ray(address='{cluster.address}'{given})"


def leftovers(store):
    """Whatever is there besides shards."""
    return [path for name in ("leases", "tmp") for path in (store.root / name).rglob("*") if path.is_file()]


def wait_for(condition):
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def plan(diary, after=0.0):
    """Two chains that meet, one unit that fails, and one that needs it."""
    first = [one(f"first {number}", number, diary=str(diary), after=after) for number in range(4)]
    second = [one(f"second {number}", 10, {"a": unit, "b": first[0]}) for number, unit in enumerate(first)]
    last = one("last", 100, {str(number): unit for number, unit in enumerate(second)})
    broken = one("broken", None)
    return in_order([last, broken, one("lost", 1, {"broken": broken})])


def test_a_plan_by_ray_is_the_plan_done_here(nodes, tmp_path, diary):
    here, there = workspace_of(tmp_path / "a"), workspace_of(tmp_path / "b", on(nodes))
    units = plan(diary)
    expected, outcome = run_units(units, here, Silent()), run_units(units, there, Silent())
    assert set(outcome.computed) == set(expected.computed)
    assert outcome.skipped == expected.skipped
    assert [value(there, unit) for unit in expected.computed] == [value(here, unit) for unit in expected.computed]
    assert [failure.reason for failure in outcome.failed] == ["no number"]
    assert "ValueError: no number" in outcome.failed[0].trace
    assert not leftovers(there.store)
    assert run_units(units[:3], there, Silent()).computed == ()


def test_a_worker_that_is_killed_loses_the_unit_in_hand(nodes, tmp_path, diary):
    kill = tmp_path / "kill"
    kill.mkdir()
    (kill / "one").touch()
    doomed = one("doomed", 1, kill=str(kill), diary=str(diary))
    others = [one(f"other {number}", number, diary=str(diary)) for number in range(6)]
    workspace = workspace_of(tmp_path / "store", on(nodes))
    outcome = run_units([doomed, *others], workspace, Silent())
    assert set(outcome.computed) == {doomed, *others}
    assert begun(diary) == {"doomed": 2, **{unit.label: 1 for unit in others}}
    assert not leftovers(workspace.store)


def test_a_worker_that_is_killed_every_time_is_given_up(nodes, tmp_path):
    kill = tmp_path / "kill"
    kill.mkdir()
    for number in range(20):
        (kill / str(number)).touch()
    doomed = one("doomed", 1, kill=str(kill))
    outcome = run_units([doomed, one("other", 1)], workspace_of(tmp_path / "s", on(nodes, retries=0)), Silent())
    assert [unit.label for unit in outcome.computed] == ["other"]
    assert "died" in outcome.failed[0].reason


@pytest.mark.slow
def test_a_node_that_is_lost_loses_the_units_in_hand(nodes, tmp_path, diary):
    node = nodes.add_node(num_cpus=2, object_store_memory=10**8)
    units = [one(f"unit {number}", number, diary=str(diary), after=1.0) for number in range(8)]
    workspace = workspace_of(tmp_path / "store", on(nodes))
    raylet = node.all_processes["raylet"][0].process.pid
    lost = []

    def remove():
        wait_for(lambda: len(list(diary.iterdir())) >= 4)
        pids = {child.pid for child in psutil.Process(raylet).children(recursive=True)}
        lost.extend(file.name for file in diary.iterdir() if int(file.name.split("-")[1]) in pids)
        nodes.remove_node(node, allow_graceful=False)

    thread = threading.Thread(target=remove)
    thread.start()
    outcome = run_units(units, workspace, Silent())
    thread.join()
    assert set(outcome.computed) == set(units)
    counts = begun(diary)
    assert lost
    assert set(counts.values()) <= {1, 2}
    again = {label for label, count in counts.items() if count == 2}
    assert again <= {name.split("-")[0] for name in lost}
    assert len(again) <= 2  # the node had two processors
    assert not leftovers(workspace.store)


def test_ctrl_c_cancels_what_is_under_way(nodes, tmp_path, diary):
    slow = [one(f"slow {number}", number, diary=str(diary), after=WAIT) for number in range(10)]
    workspace = workspace_of(tmp_path / "store", on(nodes))

    def press():
        wait_for(lambda: any(diary.iterdir()))
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press).start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_units(slow, workspace, Silent())
    assert time.monotonic() - start < WAIT / 2
    assert not leftovers(workspace.store)
    pids = [int(file.name.split("-")[1]) for file in diary.iterdir()]
    wait_for(lambda: not any(map(psutil.pid_exists, pids)))


def test_what_no_node_has_is_said(nodes, tmp_path):
    for options in ({"num_gpus": 4}, {"num_cpus": 3}):
        with pytest.raises(PeepholeError, match=r"no node of the Ray cluster has .*2 CPUs.*add a node\.$"):
            run_units([one("a", 1)], workspace_of(tmp_path, on(nodes, **options), "auto"), Silent())


def test_ray_is_started_here_and_ended_in_silence(environment, tmp_path):
    """In a process of its own, whose handler of SIGTERM stays its own; nothing of Ray outlives it."""
    code = f"""
import signal, sys
sys.path.insert(0, {str(HERE)!r})
from test_ray import *
signal.signal(signal.SIGTERM, mine := lambda *_: None)
units = [one(str(number), number) for number in range(4)]
class Watch(Silent):
    def finished(self, unit, result):
        assert signal.getsignal(signal.SIGTERM) is mine
        global raylets
        raylets = psutil.Process().children(recursive=True)
assert len(run_units(units, workspace_of({str(tmp_path)!r}, "ray"), Watch()).computed) == 4
assert raylets and not psutil.wait_procs(raylets, timeout=20)[1]
assert "RAY_task_oom_retries" not in os.environ
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@contextmanager
def listening(answer):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            line, _ = server.accept()
            with line:
                line.recv(100)
                line.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        thread.join()


def test_an_address_that_is_not_rays_is_told_at_once():
    with listening(b"") as address, pytest.raises(PeepholeError, match="what answers is not Ray"):
        check_ray(address)
    with pytest.raises(PeepholeError, match=r"no Ray cluster answers at .*refused.*ray start --head"):
        check_ray(address)
    for nonsense in ("somewhere", "host:", "host:x", "127.0.0.1:99999999"):
        with pytest.raises(PeepholeError, match=r"HOST:PORT|no Ray cluster answers"):
            check_ray(nonsense)


def test_no_cluster_to_join_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(PeepholeError, match=r"no Ray cluster answers at 127\.0\.0\.1:1"):
        NAMING.build("ray(address=auto)").check(workspace_of(tmp_path))


def test_a_missing_library_is_told(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(PeepholeError, match=r"pip install 'peephole\[ray\]'"):
        check_ray(None)


def test_a_node_of_another_kind_is_told(tmp_path):
    passport = Passport.of(tmp_path, tmp_path)
    assert "does not see the folder" in visit(b"", b"", Passport.of(tmp_path, tmp_path / "none"), 1)
    for other in (
        Passport("2.7", passport.version, tmp_path, tmp_path),
        Passport(passport.python, "0", tmp_path, tmp_path),
    ):
        assert "install the same on all nodes" in visit(b"unreadable", b"", other, 1)


def test_options_are_checked():
    assert NAMING.build("ray(address='10.0.0.1:6379', num_gpus=0.5)") == Ray("10.0.0.1:6379", 0.5)
    for text in ("ray(num_gpus=1.5)", "ray(num_gpus=-1)", "ray(num_cpus=0)", "ray(retries=-1)", "ray(nodes=3)"):
        with pytest.raises(PeepholeError, match="takes address"):
            NAMING.build(text)


@pytest.mark.parametrize(
    ("device", "there", "expected"), [("cpu", 8, 0), ("auto", 8, 2), ("auto", 0, 0), ("cuda", 0, 2), ("cuda:1", 4, 2)]
)
def test_a_group_has_the_gpus_of_a_training(device, there, expected):
    assert Ray().gpus(Machine(device, devices=2), there) == expected
    assert Ray(num_gpus=0.5).gpus(Machine("auto"), there) == 0.5


def test_places_are_what_fits_on_the_nodes_that_are_there():
    nodes = [
        {"Alive": True, "Resources": {"CPU": 5.0, "GPU": 1.0}},
        {"Alive": True, "Resources": {"CPU": 4.0}},
        {"Alive": False, "Resources": {"CPU": 100.0, "GPU": 8.0}},
    ]
    assert places(nodes, 2, 0) == 4
    assert places(nodes, 1, 0.1) == 5
    assert places(nodes, 1, 1) == 1
    with pytest.raises(PeepholeError, match="4 CPUs and 0 GPUs"):
        places(nodes, 1, 2)
