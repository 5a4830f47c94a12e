"""On a disk that has no locks, as some network file systems and containers, everything goes on."""

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from peephole.turns import turn

SOURCE = Path(__file__).parent / "without_locks.c"
REFUSALS = ("ENOLCK", "ENOSYS", "EOPNOTSUPP")

pytestmark = pytest.mark.skipif(
    shutil.which("cc") is None or not sys.platform.startswith("linux"), reason="no C compiler that makes a library here"
)


@pytest.fixture(scope="module", params=REFUSALS)
def without_locks(request, tmp_path_factory):
    """The environment of a process whose disks refuse every lock."""
    library = tmp_path_factory.mktemp("library") / "without_locks.so"
    subprocess.run(["cc", "-shared", "-fPIC", f"-DREFUSAL={request.param}", "-o", library, SOURCE, "-ldl"], check=True)
    return {**os.environ, "LD_PRELOAD": str(library)}


def run(environment, code, *arguments):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_shim_refuses_locks(without_locks, tmp_path):
    (tmp_path / "file").touch()
    code = "import fcntl, sys; fcntl.flock(open(sys.argv[1]), fcntl.LOCK_EX)"
    assert "OSError" in run(without_locks, code, tmp_path / "file").stderr


def test_a_sound_store_is_sound(without_locks, results):
    before = {path: path.read_bytes() for path in results.rglob("*") if path.is_file()}
    for options in ((), ("--repair",)):
        code = "import sys; from peephole.cli import main; sys.argv[0] = 'peephole'; main()"
        done = run(without_locks, code, "store", "check", results, *options)
        assert done.returncode == 0, done.stderr
        assert "all sound" in done.stdout
    assert {path: path.read_bytes() for path in before} == before


HOLD = """
import sys, time
from pathlib import Path
from peephole.turns import turn
with turn(Path(sys.argv[1]), lambda: print('waiting', flush=True)):
    print('mine', flush=True)
    time.sleep(float(sys.argv[2]))
"""


@contextmanager
def held(environment, folder):
    """A process that has its turn for a minute, unless it is killed."""
    arguments = [sys.executable, "-c", HOLD, folder, "60"]
    with subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "mine\n"
        yield process
        process.kill()


def test_turns_are_taken_one_after_the_other(without_locks, tmp_path):
    with held(without_locks, tmp_path):
        arguments = [sys.executable, "-c", HOLD, tmp_path, "0"]
        with subprocess.Popen(arguments, env=without_locks, stdout=subprocess.PIPE, text=True) as second:
            assert second.stdout.readline() == "waiting\n"
            second.kill()


def test_a_turn_of_a_process_that_is_gone_counts_no_more(without_locks, tmp_path):
    with held(without_locks, tmp_path) as first:
        first.kill()
    assert run(without_locks, HOLD, tmp_path, 0).stdout.splitlines()[-1] == "mine"


def test_whoever_is_busy_may_refuse(tmp_path):
    class Refused(Exception):
        pass

    def refuse():
        raise Refused

    with turn(tmp_path, refuse), pytest.raises(Refused), turn(tmp_path, refuse):
        pass
    with turn(tmp_path, refuse):
        pass
