"""The page of quality against cost says what the leaderboard says."""

from dataclasses import replace

import numpy as np
import pytest

from peephole.leaderboard.report.contents import Contents
from peephole.leaderboard.report.pages import cost


@pytest.fixture
def page(read, board):
    return read(cost.pages, Contents(board))["cost.html"]


def methods_of(board):
    table = board.summary
    return table[table["best_layer"] & (table["kind"] == "method")].set_index("method")


def test_the_table_is_the_leaderboard(page, board, hostile):
    (table,) = page.tables
    rows = methods_of(board)
    assert sorted(table.column("Method")) == sorted(rows.index)
    for name, score, passes, ms, front in zip(
        *(table.column(heading) for heading in ("Method", "Score", "Passes", "ms", "Front")), strict=True
    ):
        row = rows.loc[name]
        assert score.startswith(f"{row['score']:.2f} [{row['score_lo']:.2f}, ")
        assert passes == f"{row['passes']:.2f}"
        assert ms == f"{row['ms_per_image']:.2f}"
        assert (front == "front") == row["pareto"]
    fronts = table.column("Front")
    assert fronts == sorted(fronts, reverse=True)
    assert hostile in rows.index


def test_points_lead_to_the_methods(page, board):
    rows = methods_of(board)
    (alt, passes), _ = page.charts
    for point in passes["data"]["values"]:
        row = rows.loc[point["method"]]
        assert [point[name] for name in ("score", "low", "high", "cost")] == pytest.approx(
            row[["score", "score_lo", "score_hi", "passes"]].tolist()
        )
        assert point["front"] == row["pareto"]
        assert point["name"] == (point["method"] if row["pareto"] else "")
        assert point["page"] in page.all("href")
        assert (f"{point['method']} (score" in alt) == row["pareto"]


def test_each_chart_has_the_front_of_its_own_cost(page, hostile):
    """Here what is cheap in passes is dear in milliseconds."""
    fronts = [{row["method"] for row in spec["data"]["values"] if row["front"]} for _, spec in page.charts]
    assert fronts == [{hostile, "gradient"}, {hostile, "slow"}]


def test_nothing_with_a_cost(read, board):
    assert "Nothing here has both" in read(cost.pages, Contents(None))["cost.html"].text
    for changes in ({"passes": np.nan, "ms_per_image": np.nan}, {"passes": 0.0, "ms_per_image": 0.0}):
        without = replace(board, summary=board.summary.assign(**changes))
        assert not read(cost.pages, Contents(without))["cost.html"].charts
    without = replace(board, summary=board.summary.assign(score=np.nan))
    assert not read(cost.pages, Contents(without))["cost.html"].tables
    without = replace(board, summary=board.summary.assign(passes=np.nan))
    assert [spec["data"]["values"][0]["cost"] for _, spec in read(cost.pages, Contents(without))["cost.html"].charts]
    assert not read(cost.pages, Contents(replace(board, summary=board.summary.drop(columns="pareto"))))[
        "cost.html"
    ].tables
