"""A run that finds its store damaged, and one whose disk is full."""

import shutil
import threading

import pytest

import peephole
from peephole.datasets.shapes import Shapes
from peephole.machine import Machine
from peephole.store.checking import check_store
from peephole.store.store import Store

OPTIONS = peephole.Options(seeds=1, samples=8, triggers=("square",), methods=("gradient",), metrics=("completeness",))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Shapes, "counts", {"train": 2500, "test": 500})
        folder = tmp_path_factory.mktemp("finished") / "results"
        yield folder, peephole.run("quick", out=folder, options=OPTIONS, machine=Machine("cpu"))


def test_all_that_is_damaged_is_made_again_in_one_go_and_said(finished, tmp_path):
    folder, result = shutil.copytree(finished[0], tmp_path / "copy"), finished[1]
    paths = sorted((folder / "store" / "scores").glob("*.h5"))[:3]
    for path in paths:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 4
        path.write_bytes(content)
    seen = []

    class Watch:
        def started(self, unit):
            seen.append(unit.digest)

        def progressed(self, unit, share):
            pass

        def finished(self, unit, result):
            seen.append((unit.digest, result))

    again = peephole.run("quick", out=folder, options=OPTIONS, machine=Machine("cpu"), watcher=Watch())
    assert again.mended == 3
    assert {unit.digest for unit in again.outcome.computed} == {path.stem for path in paths}
    assert len(again.outcome.cached) == len(result.outcome.computed) - 3
    assert len([one for one in seen if isinstance(one, tuple)]) == len(result.outcome.computed) + 3
    assert again.scores["value"].tolist() == result.scores["value"].tolist()
    assert check_store(Store(folder / "store")) == []
    assert again.log.read_text().count("is damaged; it is made again") == 3


def test_what_somebody_else_makes_again_is_waited_for(finished, tmp_path):
    folder, result = shutil.copytree(finished[0], tmp_path / "copy"), finished[1]
    path = sorted((folder / "store" / "scores").glob("*.h5"))[0]
    whole = path.read_bytes()
    path.write_bytes(whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])
    other = Store(folder / "store")
    lease = other.leases.take(path.stem, "make it again")

    def pause():
        path.write_bytes(whole)
        lease.release()

    timer = threading.Timer(8, pause)
    timer.start()
    again = peephole.run("quick", out=folder, options=OPTIONS, machine=Machine("cpu"))
    timer.join()
    assert again.mended == 0
    assert again.scores["value"].tolist() == result.scores["value"].tolist()
