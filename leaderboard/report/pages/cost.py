"""The page of quality against cost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from peephole.leaderboard.report.page import Page
from peephole.leaderboard.report.subject import Subject

AXES = {
    "passes": "forward and backward passes of the network, for the maps of all layers",
    "ms_per_image": "milliseconds a picture, for the maps of all layers",
}


def pages(subject: Subject) -> Iterator[Page]:
    """One page: a chart for each way to count the cost, and the methods from the front on."""
    table = subject.table
    known = {"best_layer", "score", "pareto", *AXES} <= set(table.columns)
    rows = table[table["best_layer"] & (table["kind"] == "method") & table["score"].notna()] if known else table[:0]
    points = [_point(row, subject) for row in rows.to_dict("records")]
    points.sort(key=lambda row: (not row["front"], -row["score"]))
    charts = [
        (axis, title, [{**row, "cost": row[axis]} for row in points if row[axis] == row[axis] and row[axis] > 0])
        for axis, title in AXES.items()
    ]
    context = {"points": points, "charts": [one for one in charts if one[2]]}
    yield Page("cost.html", "cost.html", "Quality against cost", context)


def _point(row: dict[Any, Any], subject: Subject) -> dict[str, Any]:
    return {
        "method": row["method"],
        "layer": row["layer"],
        "score": row["score"],
        "low": row["score_lo"],
        "high": row["score_hi"],
        "front": bool(row["pareto"]),
        "name": row["method"] if row["pareto"] else "",
        "page": subject.method_files[row["method"]],
        **{axis: row[axis] for axis in AXES},
    }
