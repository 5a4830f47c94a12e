"""The report at the end of a run, and `peephole report`."""

import errno
import shutil
import webbrowser

import pytest
from typer.testing import CliRunner

from peephole.cli import app
from peephole.errors import PeepholeError
from peephole.report import report as of_folder
from peephole.report import writing
from peephole.report.report import report_on


@pytest.fixture
def pages(monkeypatch):
    """Pages that are one line, and what they are made of."""
    handed = []

    def write(contents, site, siblings=()):
        handed.append(contents)
        site.mkdir(parents=True, exist_ok=True)
        (site / "index.html").write_text("<title>Peephole</title>")
        return site / "index.html"

    monkeypatch.setattr(writing, "pages_of", write)
    monkeypatch.setattr(of_folder, "pages_of", write)
    return handed


def called(*arguments):
    return CliRunner().invoke(app, [*map(str, arguments)])


def test_a_run_that_has_nothing_to_compute_leaves_its_report_as_it_is(copy, again):
    index = again(out=copy).report
    index.write_text("<title>Peephole</title> as it was")
    assert again(out=copy).report.read_text().endswith("as it was")
    with (copy / "scores.csv").open("a") as file:
        file.write("\n")
    assert again(out=copy).report.read_text().endswith("as it was")  # the run wrote the table anew
    assert report_on(copy).read_text().rstrip().endswith("</html>")
    assert again(out=copy).report.read_text().rstrip().endswith("</html>")


def test_reports_of_several_folders_lead_to_each_other(finished, tmp_path):
    folders = [
        shutil.copytree(finished, tmp_path / name, ignore=shutil.ignore_patterns("store")) for name in ("a", "b c#")
    ]
    done = called("report", *folders)
    assert done.exit_code == 0, done.output
    pages = [(folder / "report" / "index.html") for folder in folders]
    assert done.stdout.splitlines() == list(map(str, pages))
    assert 'href="../../b%20c%23/report/index.html"' in pages[0].read_text()
    assert 'href="../../a/report/index.html"' in pages[1].read_text()
    assert "shapes (quick/v1" in pages[0].read_text()
    refused = called("report", *folders, "--out", tmp_path / "site")
    assert isinstance(refused.exception, PeepholeError)


def test_a_run_ends_with_its_report(copy, again, pages):
    result = again(out=copy)
    assert result.report == copy / "report" / "index.html"
    assert result.outcome.computed == ()
    (contents,) = pages
    assert contents.missing == ()
    assert (copy / "report" / contents.galleries[0].sheets["gradient"].file).is_file()
    assert again(out=copy, report=False).report is None
    assert len(pages) == 1


def test_a_damaged_map_is_made_again_before_it_is_shown(copy, again, plan, pages):
    unit = next(row.maps for row in plan.rows if row.need == "maps")
    path = copy / "store" / unit.kind / f"{unit.digest}.h5"
    whole = path.read_bytes()
    path.write_bytes(bytes(len(whole)))
    assert again(out=copy).mended == 1
    assert pages[-1].missing == ()


def test_a_report_that_cannot_be_written_leaves_the_tables(copy, again, monkeypatch):
    def full(contents, site, siblings=()):
        raise OSError(errno.ENOSPC, "No space left on device", str(site / "index.html"))

    monkeypatch.setattr(writing, "pages_of", full)
    (copy / "leaderboard.csv").unlink()
    result = again(out=copy)
    assert result.report is None
    assert result.unreported.startswith(f"cannot write the report to {copy / 'report' / 'index.html'} (No space left")
    assert "\n" not in result.unreported
    assert len(result.leaderboard) > 0
    assert (copy / "leaderboard.csv").is_file()
    assert (copy / "models.csv").is_file()


def test_a_folder_that_is_no_reports_is_left_alone_by_a_run_too(copy, again):
    (copy / "report").mkdir()
    (copy / "report" / "thesis.html").write_text("mine")
    result = again(out=copy)
    assert "holds files that are no report's" in result.unreported
    assert [path.name for path in (copy / "report").iterdir()] == ["thesis.html"]


def test_pictures_stay_where_the_store_cannot_be_read(copy, again):
    index = again(out=copy).report
    pictures = sorted((index.parent / "pictures").rglob("*.png"))
    assert pictures
    (copy / "store").rename(copy / "elsewhere")
    done = called("report", copy)
    assert done.exit_code == 0
    assert "missing: Pictures and curves are not here" in done.output
    assert sorted((index.parent / "pictures").rglob("*.png")) == pictures
    (copy / "elsewhere").rename(copy / "store")
    pictures[0].unlink()
    assert again(out=copy).report == index
    assert pictures[0].is_file()


def test_a_mistake_in_a_page_is_not_swallowed(copy, again, monkeypatch):
    def wrong(contents, site, siblings=()):
        raise KeyError("a mistake of ours")

    monkeypatch.setattr(writing, "pages_of", wrong)
    monkeypatch.setattr(of_folder, "pages_of", wrong)
    with pytest.raises(KeyError):
        again(out=copy)
    with pytest.raises(KeyError):
        report_on(copy)


def test_the_command_says_where_the_report_is_and_opens_it(copy, tmp_path, pages, monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    answer = called("report", copy)
    assert answer.exit_code == 0
    assert answer.stdout.splitlines() == [str(copy / "report" / "index.html")]
    assert opened == []
    answer = called("report", copy, "--out", tmp_path / "site", "--open")
    assert answer.stdout.splitlines() == [str(tmp_path / "site" / "index.html")]
    assert opened == [(tmp_path / "site" / "index.html").as_uri()]
    assert (tmp_path / "site" / "pictures" / "scale.png").is_file()


def test_pages_of_something_else_are_not_written_over(copy, tmp_path, pages):
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.html").write_text("My holidays")
    with pytest.raises(PeepholeError, match="holds files that are no report's"):
        report_on(copy, out=site)
    assert (site / "index.html").read_text() == "My holidays"
    with pytest.raises(PeepholeError, match="is a file"):
        report_on(copy, out=site / "index.html")
    assert pages == []


def test_a_run_may_go_without_and_says_where_it_is(copy, pages, again, monkeypatch):
    import peephole.runner

    monkeypatch.setattr(peephole.runner, "run", lambda suite, **asked: again(out=asked["out"], report=asked["report"]))
    answer = called("run", "quick", "--out", copy, "--quiet", "--workers", "1")
    assert f"open {copy / 'report' / 'index.html'}" in answer.stdout.replace("\n", "")
    assert "report/" in called("run", "--help").stdout
    answer = called("run", "quick", "--out", copy, "--quiet", "--workers", "1", "--no-report")
    assert "index.html" not in answer.stdout
