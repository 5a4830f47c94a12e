"""What a report leaves in its folder."""

import pytest

from peephole.errors import PeepholeError
from peephole.leaderboard.report.contents import Contents
from peephole.leaderboard.report.manifest import NAME
from peephole.leaderboard.report.site import INDEX, write_site


def test_files_that_are_no_more_go_and_what_is_not_ours_stays(tmp_path):
    site = tmp_path / "site"
    assert write_site(Contents(board=None), site) == site / INDEX
    old, foreign = site / "methods" / "gone.html", site / "methods" / "mine.html"
    old.parent.mkdir()
    old.write_text("of an earlier report")
    foreign.write_text("mine")
    outside = tmp_path / "outside.html"
    outside.write_text("not in the folder")
    with (site / NAME).open("a") as file:
        file.write(f"methods/gone.html\n../outside.html\n{outside}\n\n.\n")
    write_site(Contents(board=None), site)
    assert not old.exists()
    assert foreign.read_text() == "mine"
    assert outside.exists()
    assert "methods/gone.html" not in (site / NAME).read_text()


@pytest.mark.parametrize("name", ["index.html", ".files", NAME])
def test_a_folder_of_something_else_is_refused(tmp_path, name):
    (tmp_path / name).write_text("see peephole")
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(PeepholeError, match="holds files that are no report's"):
        write_site(Contents(board=None), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted({name, "notes.txt"})


def test_nothing_half_written_is_left(tmp_path):
    write_site(Contents(board=None), tmp_path)
    assert not list(tmp_path.rglob("*.tmp"))
    pages = {path.name for path in tmp_path.glob("*.html")}
    assert pages == {"index.html", "compare.html", "cost.html", "models.html", "kis.html", "definitions.html"}
