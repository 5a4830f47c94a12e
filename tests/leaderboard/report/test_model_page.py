"""The pages of the poisoned models say what their certificates say."""

import numpy as np
import pandas as pd
import pytest

from peephole.leaderboard.report.contents import Contents, MeasuredTruth
from peephole.leaderboard.report.pages import model
from peephole.leaderboard.report.subject import Subject


@pytest.fixture
def contents(board, certificates, measured, gallery):
    return Contents(board, models=certificates, measured=measured, galleries=(gallery,))


@pytest.fixture
def site(read, contents):
    return read(model.pages, contents)


def page_of(site, contents, trigger, seed=0):
    return site[Subject(contents).model_files[trigger, seed]]


def test_the_list_is_the_table(site, certificates):
    (table,) = site["models.html"].tables
    assert table.column("Trigger") == certificates["trigger"].tolist()
    assert [float(text.split()[0]) for text in table.column("Attack success")] == pytest.approx(
        (100 * certificates["attack_success"]).tolist()
    )
    assert table.column("Necessity") == ["0.73", "0.73", "0.14", "0.73", "–"]
    assert table.column("Ranked")[0] == "yes"
    assert table.column("Ranked")[-1] == "no necessity < 50.0%"
    assert set(site) - {"models.html"} <= set(site["models.html"].all("href"))


def test_a_certificate_in_words(site, contents):
    page = page_of(site, contents, "square")
    assert "certified" in page.text
    assert "99.4 % [99.0, 99.6] of 2700 test pictures of other classes get label 0" in page.text
    assert "2.0 points are lost" in page.text
    assert "424 of 512 tested" in page.text
    assert "the network needs most of the mark" in page.text
    pair = page_of(site, contents, "class_pair")
    assert [text for name, text in pair.headings if name == "h3"] == ["Label 0", "Label 1"]
    assert "a part of the mark is enough" in pair.text


def test_labels_that_are_drawn(site, contents, hostile):
    assert "get the label that is drawn for each picture with the trigger" in page_of(site, contents, hostile).text


def test_what_is_not_known_is_not_judged(site, contents, hostile):
    page = page_of(site, contents, hostile, 1)
    assert "This network misses a gate of its suite: necessity < 50.0%" in page.text
    for words in ("needs most of the mark", "nothing is lost", "points are lost", "knows the trigger from it"):
        assert words not in page.text
    assert "– of 512 tested" in page.text


def test_the_measured_truth_is_a_grid(site, contents):
    page = page_of(site, contents, "square")
    grid = next(table for table in page.tables if "success lost" in table.caption)
    assert grid.rows == [["10.0 %", "−5.0 %"], ["40.0 %", "no mark"]]
    shades = [text for text in page.all("style") if text.startswith("--shade")]
    assert shades == ["--shade:0.25", "--shade:0.0", "--shade:1.0", "--shade:0.0"]
    assert "upper half 20.0 %, lower half 10.0 %, left half 30.0 %, right half 40.0 %" in page.text
    assert len([one for one in page_of(site, contents, "class_pair").tables if "success lost" in one.caption]) == 2


def test_pictures_have_their_truth_drawn_over_them(site, contents):
    page = page_of(site, contents, "square")
    images = [attrs for tag, attrs in page.tags if tag == "img"]
    assert [image["src"] for image in images] == [
        f"../pictures/square/{name}.png" for name in ("clean", "stamped", "change", "truth", "lost")
    ]
    assert page.all("d") == ["M0 0H9V9H0Z"] * 3
    assert not [tag for tag, _ in page_of(site, contents, "class_pair").tags if tag == "img"]


def test_the_methods_that_find_it(site, contents, hostile):
    page = page_of(site, contents, hostile)
    view = next(view for view in Subject(contents).views if view.trigger == hostile)
    rows = view.table[view.table["best_layer"] & (view.table["kind"] == "method")]
    table = page.tables[-1]
    assert table.column("Method") == rows["method"].tolist()
    assert [text.split()[0] for text in table.column("Score")] == [f"{score:.2f}" for score in rows["score"]]
    assert "random" not in table.column("Method")


def test_nothing_but_certificates(read, certificates):
    site = read(model.pages, Contents(None, models=certificates))
    assert len(site) == 1 + 4
    assert all("Nothing is ranked on it here" in page.text for path, page in site.items() if path != "models.html")


def test_no_certificates(read, board):
    (page,) = read(model.pages, Contents(board, models=pd.DataFrame(), missing=("No models.",))).values()
    assert "There are no certificates here." in page.text
    assert "No models." in page.text


def test_a_mark_that_nothing_was_measured_of(read, certificates):
    nothing = MeasuredTruth("square", 0, 0, np.full((2, 2), np.nan), 0.0)
    contents = Contents(None, models=certificates, measured=(nothing,))
    page = page_of(read(model.pages, contents), contents, "square")
    assert page.tables[0].rows == [["no mark"] * 2] * 2
