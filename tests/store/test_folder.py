import json
import os

import pytest

from peephole.errors import PeepholeError
from peephole.store.folder import MARKER, open_folder


def refused(path, create=True):
    with pytest.raises(PeepholeError) as error:
        open_folder(path, create=create)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_new_folder_is_made_and_known_again(tmp_path):
    folder = open_folder(tmp_path / "a" / "b", create=True)
    assert open_folder(folder, create=True) == open_folder(folder, create=False) == folder


def test_an_empty_folder_is_taken(tmp_path):
    assert (open_folder(tmp_path, create=True) / MARKER).is_file()


def test_a_foreign_folder_is_refused_and_left_as_it_was(tmp_path):
    (tmp_path / "thesis.tex").write_text("…")
    assert "not empty" in refused(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    assert "is a file" in refused(tmp_path / "file")


def test_a_path_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    assert "cannot write" in refused(tmp_path / "file" / "below")


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_an_unwritable_folder_is_refused(tmp_path):
    tmp_path.chmod(0o555)
    assert "cannot write" in refused(tmp_path / "results")


def test_results_of_another_version_are_refused(tmp_path):
    (tmp_path / MARKER).write_text(json.dumps({"format": "peephole results", "version": 99}))
    assert "99" in refused(tmp_path)


def test_a_garbled_marker_is_refused(tmp_path):
    (tmp_path / MARKER).write_text("{")
    assert "cannot read" in refused(tmp_path)


def test_reading_wants_results(tmp_path):
    assert "peephole run" in refused(tmp_path / "nothing", create=False)
