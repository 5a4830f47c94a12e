"""A store that nobody may write to is read as any other."""

import pytest

from peephole.engines.run import run_units
from peephole.machine import Machine
from peephole.runner import Silent
from peephole.store.export import export
from peephole.store.store import StorageError, Store
from peephole.workspace import Workspace


def test_looking_checking_and_exporting_work(results, read_only, command, tmp_path):
    read_only(results)
    code, out, errors = command("store", "ls", results)
    assert (code, errors) == (0, [])
    assert "Nobody" in out
    assert command("store", "check", results)[:2] == (0, "3 shards, all sound.\n")
    for more in ([], ["--link"]):
        code, out, errors = command("store", "export", tmp_path / "e.h5", "--from", results, *more)
        assert (code, errors) == (0, [])


def test_ls_says_what_it_can_tell(results, read_only, command):
    from peephole.store.leases import Leases
    from peephole.store.owner import Owner

    Leases(results / "store", owner=Owner("elsewhere", "another", 1, 0.0, "x"), heartbeat=None).take("ab", "train")
    read_only(results)
    code, out, errors = command("store", "ls", results)
    assert (code, errors) == (0, [])
    assert "At work: train (elsewhere)" in out


def test_ages_cannot_be_told_on_a_read_only_disk(results, read_only, command):
    (results / "store" / "tmp").mkdir()
    (results / "store" / "tmp" / "a.tmp").write_bytes(b"")
    read_only(results)
    code, out, errors = command("store", "ls", results)
    assert (code, errors) == (0, [])
    assert "What killed runs left behind cannot be told on a read-only disk." in out


@pytest.mark.parametrize("arguments", [["gc"], ["check", "--repair"]])
def test_what_has_to_write_says_so_in_a_line(results, read_only, command, arguments):
    path = next((results / "store" / "maps").glob("*.h5"))
    path.write_bytes(path.read_bytes()[:-1])
    (results / "store" / "tmp").mkdir()
    (results / "store" / "tmp" / "a.tmp").write_bytes(b"")
    read_only(results)
    code, _, errors = command("store", *arguments, results)
    assert code == 2
    (line,) = errors
    assert "Read-only file system" in line


def test_a_run_is_refused_in_a_line_and_nothing_is_tried(results, read_only, command):
    read_only(results)
    code, out, errors = command("run", "--out", results, "--triggers", "square", "--methods", "gradient", "--quiet")
    assert (code, out) == (2, "")
    (line,) = errors
    assert "is not writable; give another folder with --out" in line


def test_units_on_a_read_only_store_are_refused_in_a_line(tmp_path, read_only, total):
    store = Store(tmp_path / "place" / "store")
    run_units([total("a", 1)], Workspace(store, Machine("cpu")), Silent())
    read_only(tmp_path / "place")
    with pytest.raises(StorageError, match=r"cannot write to .*Read-only file system"):
        run_units([total("b", 2)], Workspace(store, Machine("cpu")), Silent())
    outcome = run_units([total("a", 1)], Workspace(store, Machine("cpu")), Silent())
    assert len(outcome.cached) == 1


def test_an_export_to_a_read_only_place_is_refused(results, read_only, tmp_path):
    from peephole.errors import PeepholeError

    place = tmp_path / "place"
    place.mkdir()
    read_only(place)
    with pytest.raises(PeepholeError, match=r"cannot write .*e\.h5 \(Read-only file system\); mend that"):
        export(results, place / "e.h5")
