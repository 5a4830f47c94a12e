"""The page of key information sufficiency says what the tables say."""

import math

import numpy as np
import pytest

from peephole.leaderboard.kis_histograms import bin_edges
from peephole.leaderboard.kis_study import CLEAN_MODEL
from peephole.leaderboard.report.contents import Contents
from peephole.leaderboard.report.pages import kis


@pytest.fixture
def contents(samples, study):
    return Contents(None, distributions=study[0], correctness=study[1], samples=samples)


@pytest.fixture
def page(read, contents):
    return read(kis.pages, contents)["kis.html"]


def numbers(text):
    return [float(part.strip("[],%").replace("−", "-")) for part in text.split() if part.strip("[],%")]


def test_every_row_of_the_table_is_there(page, study):
    together, alone = page.tables[:2]
    for table, rows in ((together, study[0].query("seeds == 'all'")), (alone, study[0].query("seeds != 'all'"))):
        assert table.column("Network") == rows["model"].tolist()
        assert table.column("Seeds") == rows["seeds"].tolist()
        assert [int(n) for n in table.column("Failed")] == rows["failed"].tolist()
        for heading, name in (("Dip", "dip"), ("ΔBIC", "delta_bic"), ("Ashman’s D", "ashman_d"), ("Median", "median")):
            shown = [numbers(text)[0] for text in table.column(heading)]
            assert shown == pytest.approx(rows[name].tolist(), abs=0.051 if name == "delta_bic" else 0.0051)
        for text, row in zip(table.column("Right of zero"), rows.to_dict("records"), strict=True):
            names = ("share_right", "share_right_lo", "share_right_hi")
            assert numbers(text) == pytest.approx([100 * row[name] for name in names], abs=0.051)


def test_the_verdict_says_what_is_lacking(page, study):
    texts = page.tables[0].column("Two peaks")
    found = study[0].query("seeds == 'all'")["bimodal"].tolist()
    assert {"yes", "no"} <= set(found)
    for text, verdict in zip(texts, found, strict=True):
        assert text == "shown" if verdict == "yes" else text.startswith("not shown: ")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"dip_p_holm": 0.2}, ["dip p ≥ 0.05"]),
        ({"delta_bic": 10.0, "ashman_d": 2.0}, ["ΔBIC ≤ 10", "D ≤ 2"]),
        ({"left_weight": 0.05}, ["smaller peak < 10%"]),
        ({"bimodal": "", "dip_p_holm": math.nan}, []),
    ],
)
def test_each_condition_is_named(changed, says):
    row = {"dip_p_holm": 0.01, "delta_bic": 50.0, "ashman_d": 3.0, "left_weight": 0.4, "right_weight": 0.6}
    assert kis.lacking({**row, "bimodal": "no", **changed}) == says


def test_a_row_lacks_something_just_where_two_peaks_are_not_shown(study):
    for row in study[0].to_dict("records"):
        assert bool(kis.lacking(row)) == (row["bimodal"] == "no")


def test_correctness_is_that_of_the_table(page, study):
    table = page.tables[-1]
    for text, value in zip(table.column("Correct, right of zero"), study[1]["accuracy_right"], strict=True):
        assert numbers(text)[0] == pytest.approx(100 * value, abs=0.051)
    assert [numbers(text)[0] for text in table.column("AUROC")] == pytest.approx(study[1]["auroc"].tolist(), abs=0.0051)


def test_bars_are_shares_of_the_pictures(page, samples, hostile):
    edges = bin_edges(samples)
    assert len(page.charts) == 3 + 2
    for _, spec in page.charts:
        rows = spec["data"]["values"]
        for kind in {row["kind"] for row in rows}:
            own = [row for row in rows if row["kind"] == kind]
            assert [row["from"] for row in own] == pytest.approx(edges[:-1].tolist())
            assert sum(row["share"] for row in own) == pytest.approx(1)
        params = {param["name"]: param["value"] for param in spec["params"]}
        assert params["low"] == pytest.approx(edges[0])
        assert set(params["kinds"]) == {row["kind"] for row in rows}
    own = [one for one in samples if (one.model, one.pictures) == (hostile, "poisoned")]
    values = np.concatenate([one.values[0][one.success] for one in own])
    values = values[~np.isnan(values)]
    right = sum(
        row["share"] for row in page.charts[3][1]["data"]["values"] if row["kind"] == "poisoned" and row["from"] >= 0
    )
    assert right == pytest.approx((values >= 0).mean())
    assert f"{len(values)} poisoned" in page.charts[3][0]


def test_names_are_text(page, hostile):
    assert ("h3", " ".join(hostile.split())) in page.headings
    assert "img" not in [tag for tag, _ in page.tags]


def test_what_is_missing_is_said(read, contents, samples, study):
    empty = read(kis.pages, Contents(None, missing=("There is no kis.csv; run it.",)))["kis.html"]
    assert "There is no kis.csv here." in empty.text
    assert "There is no kis.csv; run it." in empty.text
    assert not empty.charts
    tables = read(kis.pages, Contents(None, distributions=study[0], correctness=study[1]))["kis.html"]
    assert len(tables.tables) == 3
    assert not tables.charts
    alone = read(kis.pages, Contents(None, samples=samples))["kis.html"]
    assert len(alone.charts) == 5
    assert "not in the table" in alone.text
    one = [sample for sample in samples if sample.model == CLEAN_MODEL][:1]
    assert len(read(kis.pages, Contents(None, samples=tuple(one)))["kis.html"].charts) == 3
