"""The page of the papers' claims."""

import math
from dataclasses import replace

import pytest

from peephole.leaderboard.claim_result import ClaimPart, ClaimResult, Estimate, Expectation, Reproduction
from peephole.leaderboard.report.contents import Contents
from peephole.leaderboard.report.manifest import NAME
from peephole.leaderboard.report.pages import board, claims
from peephole.leaderboard.report.site import write_site
from peephole.leaderboard.verdict import Criterion


def expectation(name, words, criterion):
    return Expectation(name, words, "Spearman's ρ, −1 to 1", criterion)


@pytest.fixture
def found(hostile):
    parts = (
        ClaimPart(
            expectation("rises", f"It rises {hostile}.", Criterion("above", 0.3)),
            Estimate(0.9, 0.8, 0.97, 80, "pictures of 2 models"),
        ),
        ClaimPart(
            expectation("flat", "It stays.", Criterion("within", 0.3)),
            Estimate(-0.25, -0.5, 0.1, 80, "pictures of 2 models"),
        ),
        ClaimPart(
            expectation("odd", "One has no spread.", Criterion("above")),
            Estimate(0.5, math.nan, math.nan, 1, "pictures of 1 model"),
        ),
        ClaimPart(expectation("boxes", "Boxes are found.", Criterion("above")), None, f"no boxes {hostile}"),
    )
    shared = {"measured": "A curve.", "test": "A bootstrap.", "made": "2026-01-01, code 1234"}
    trends = ClaimResult(
        "trends", 1, f"Trends {hostile}", "P1, figure 4", "It rises.", tested=parts, figure="trends.png",
        caption=f"Panels {hostile}.", **shared,
    )  # fmt: skip
    fails = ClaimPart(expectation("below", "It falls.", Criterion("below")), Estimate(0.4, 0.2, 0.6, 9, "networks"))
    falls = ClaimResult("falls", 12, "Falls", "P2, figure 9", "It falls.", tested=(fails,), **shared)
    return Reproduction(
        "quick/v1", "resnet8 on shapes", f"peephole reproduce --out '{hostile}'", True, (0, 1),
        {"torch_version": "2.15"}, {f"plant {hostile}": "abc"}, (trends, falls),
    )  # fmt: skip


def test_all_claims_and_parts_are_there_with_their_verdicts(read, found):
    page = read(claims.pages, Contents(None, claims=found))["claims.html"]
    table = page.tables[0]
    assert len(table.rows) == 5
    assert table.rows[0][:4] == ["1", found.results[0].title, "P1, figure 4", "not separable 1 of 2 parts hold"]
    assert table.rows[0][4:] == [found.results[0].tested[0].expectation.words, "0.90 [0.80, 0.97]", "> 0.3", "holds"]
    assert table.rows[1] == ["It stays.", "−0.25 [−0.50, 0.10]", "within ±0.3", "not separable"]
    assert table.rows[2] == ["One has no spread.", "0.50", "> 0", "not tested"]
    assert table.rows[3] == ["Boxes are found.", "–", "> 0", "not tested"]
    assert table.rows[4] == [
        "12",
        "Falls",
        "P2, figure 9",
        "fails 0 of 1 parts hold",
        "It falls.",
        "0.40 [0.20, 0.60]",
        "< 0",
        "fails",
    ]
    spans = [int(attrs["rowspan"]) for tag, attrs in page.tags if tag in ("td", "th") and "rowspan" in attrs]
    assert spans == [4] * 4 + [1] * 4


def test_each_claim_is_told_in_full(read, found):
    page = read(claims.pages, Contents(None, claims=found))["claims.html"]
    links = {attrs["href"] for tag, attrs in page.tags if tag == "a" and "#" in attrs.get("href", "")}
    assert {"#trends", "#falls"} <= links
    assert {"trends", "falls"} <= set(page.all("id"))
    own = page.tables[1]
    assert own.column("Of")[0] == "80 pictures of 2 models"
    assert own.column("Of")[3] == found.results[0].tested[3].reason
    assert [attrs["src"] for tag, attrs in page.tags if tag == "img"] == ["pictures/claims/trends.png"]
    for text in (found.results[0].caption, "A curve.", "A bootstrap.", "2026-01-01, code 1234", found.command):
        assert " ".join(text.split()) in page.text
    assert page.tables[-1].rows == [[next(iter(found.digests)), "abc"]]


def test_a_smoke_test_says_so_first(read, found):
    page = read(claims.pages, Contents(None, claims=found))["claims.html"]
    assert page.headings[1] == ("h2", "A smoke test: do not quote these verdicts")
    page = read(claims.pages, Contents(None, claims=replace(found, quick=False)))["claims.html"]
    assert "smoke" not in page.text


def test_without_claims_there_is_no_page_and_no_way_to_it(read, tmp_path, found):
    assert read(claims.pages, Contents(None)) == {}
    assert "claims.html" not in read(board.pages, Contents(None))["index.html"].all("href")
    page = read(board.pages, Contents(None, claims=found))["index.html"]
    assert page.all("href").count("claims.html") == 2
    assert "There is no leaderboard here" in page.text
    site = write_site(Contents(None, claims=found), tmp_path / "site").parent
    assert (site / "claims.html").is_file()
    assert "pictures/claims/trends.png" in (site / NAME).read_text()
    write_site(Contents(None), site)
    assert not (site / "claims.html").exists()
    assert "pictures/claims/trends.png" not in (site / NAME).read_text()
