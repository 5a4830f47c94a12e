"""The page of definitions has one of everything on the board."""

import pytest

from peephole.leaderboard.base import CALIBRATION, METRICS
from peephole.leaderboard.report.contents import Contents
from peephole.leaderboard.report.pages import definitions


@pytest.fixture
def page(read, board):
    return read(definitions.pages, Contents(board))["definitions.html"]


def test_every_metric_of_the_board_has_its_place(page, board):
    assert board.metrics == ("completeness",)
    assert "metric-completeness" in page.all("id")
    assert ("h3", METRICS["completeness"].title) in page.headings
    assert METRICS["completeness"].formula in page.text
    assert "core: counts for the score" in page.text


def test_what_the_score_is_made_of(page, hostile):
    (table,) = page.tables
    assert sorted(table.rows) == sorted([[hostile, "Completeness"], ["square", "Completeness"]])
    assert "#metric-completeness" in page.all("href")


def test_every_calibration_row_is_explained(page):
    for name in CALIBRATION.names():
        assert f"{CALIBRATION[name].title} {name}" in page.text


def test_links_on_the_page_lead_somewhere(page):
    assert {href[1:] for href in page.all("href") if href.startswith("#")} <= set(page.all("id"))


def test_code_is_code_and_no_mark_of_another_language_is_left(page):
    assert "`" not in page.text
    assert ":math:" not in page.text


def test_without_a_board(read):
    page = read(definitions.pages, Contents(None))["definitions.html"]
    assert "there are no metrics of it" in page.text
    assert not page.tables
