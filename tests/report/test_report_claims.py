"""Claims of a folder on their way to its report."""

import shutil

import pytest

from peephole.claims.writing import read_reproduction, write_reproduction
from peephole.leaderboard.claim_result import ClaimPart, ClaimResult, Estimate, Expectation, Reproduction
from peephole.leaderboard.report.contents import Contents
from peephole.leaderboard.verdict import Criterion
from peephole.report.claims import with_claims
from peephole.report.current import made_from
from peephole.report.report import report_on
from peephole.report.writing import write_report
from peephole.store.folder import open_folder

PART = ClaimPart(Expectation("a", "It rises.", "ρ", Criterion("above")), Estimate(0.5, 0.4, 0.6, 9, "pictures"))
RESULT = ClaimResult("trends", 1, "Trends", "P1", "It rises.", "A curve.", "A test.", (PART,), "trends.png", "Lines.")
FOUND = Reproduction(
    "quick/v1", "resnet8 on shapes", "peephole reproduce", True, (0,), {"machine": "one"}, {}, (RESULT,)
)


@pytest.fixture
def examined(tmp_path):
    """A folder with claims and nothing else."""
    folder = open_folder(tmp_path / "results", create=True)
    write_reproduction(FOUND, folder)
    (folder / "claims" / "trends.png").write_bytes(b"picture")
    return folder


def test_a_folder_without_a_board_has_a_report_of_its_claims(examined):
    told = []
    index = report_on(examined, say=told.append)
    assert told == []
    assert "There is no leaderboard here" in index.read_text()
    assert "It rises." in (index.parent / "claims.html").read_text()
    assert (index.parent / "pictures" / "claims" / "trends.png").read_bytes() == b"picture"


def test_figures_come_and_go_with_the_claims(examined):
    site = report_on(examined).parent
    (examined / "claims" / "trends.png").unlink()
    told = []
    report_on(examined, say=told.append)
    assert told == ["The figure of claim 1 is not in claims; examine it again: peephole reproduce 1."]
    assert not (site / "pictures" / "claims" / "trends.png").exists()
    assert "<img" not in (site / "claims.html").read_text()
    shutil.rmtree(examined / "claims")
    told.clear()
    report_on(examined, say=told.append)
    assert not (site / "claims.html").exists()
    assert any("leaderboard.csv" in sentence for sentence in told)


def test_claims_stand_beside_what_a_run_has(finished, plan, workspace, available, tmp_path):
    folder = tmp_path / "results"
    shutil.copytree(finished, folder, ignore=shutil.ignore_patterns("report"))
    write_reproduction(FOUND, folder)
    (folder / "claims" / "trends.png").write_bytes(b"picture")
    site = write_report(plan, workspace, available, folder).parent
    assert 'href="claims.html"' in (site / "index.html").read_text()
    assert "There is no leaderboard here" not in (site / "index.html").read_text()
    assert (site / "pictures" / "claims" / "trends.png").is_file()
    assert 'href="../claims.html"' in next((site / "methods").iterdir()).read_text()


def test_damaged_claims_are_told_and_the_rest_is_shown(examined, tmp_path):
    (examined / "claims" / "claims.json").write_text("{")
    found = with_claims(Contents(None, missing=("one",)), examined, tmp_path / "site")
    assert found.claims is None
    assert found.missing[0] == "one"
    assert found.missing[1].startswith("The claims are not here: cannot read")


def test_a_report_is_made_anew_for_other_verdicts_and_figures(examined):
    keys = [made_from(examined, ())]
    (examined / "claims" / "trends.png").write_bytes(b"another picture")
    keys.append(made_from(examined, ()))
    found = read_reproduction(examined)
    write_reproduction(type(found)(**{**vars(found), "quick": False}), examined)
    keys.append(made_from(examined, ()))
    assert len(set(keys)) == 3
