"""What a report leaves in its folder."""

from peephole.leaderboard.report.contents import Contents
from peephole.leaderboard.report.site import INDEX, MANIFEST, write_site


def test_pages_that_are_no_more_go_and_what_is_not_ours_stays(tmp_path):
    foreign = tmp_path / "models" / "mine.html"
    foreign.parent.mkdir()
    foreign.write_text("mine")
    assert write_site(Contents(board=None), tmp_path) == tmp_path / INDEX
    old = tmp_path / "methods" / "gone.html"
    old.parent.mkdir()
    old.write_text("of an earlier report")
    outside = tmp_path.parent / "outside.html"
    outside.write_text("not in the folder")
    listed = (tmp_path / MANIFEST).read_text()
    (tmp_path / MANIFEST).write_text(f"{listed}methods/gone.html\n../outside.html\n{outside}\n")
    write_site(Contents(board=None), tmp_path)
    assert not old.exists()
    assert foreign.read_text() == "mine"
    assert outside.exists()
    assert "methods/gone.html" not in (tmp_path / MANIFEST).read_text()


def test_nothing_half_written_is_left(tmp_path):
    write_site(Contents(board=None), tmp_path)
    assert not list(tmp_path.rglob("*.tmp"))
    pages = {path.name for path in tmp_path.glob("*.html")}
    assert pages == {"index.html", "compare.html", "cost.html", "models.html", "kis.html", "definitions.html"}
