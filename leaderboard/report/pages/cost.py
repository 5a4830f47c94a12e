"""The page of quality against cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from peephole.leaderboard.pareto import pareto_front
from peephole.leaderboard.report.environment import number
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
    charts = [_Chart(axis, title, _rows(points, axis)) for axis, title in AXES.items()]
    context = {"points": points, "charts": [one for one in charts if one.rows]}
    yield Page("cost.html", "cost.html", "Quality against cost", context)


@dataclass(frozen=True)
class _Chart:
    """Scores against one way to count the cost.

    Attributes:
        axis, title: which.
        rows: the methods of which it is known.
    """

    axis: str
    title: str
    rows: list[dict[str, Any]]

    @property
    def finding(self) -> str:
        """What the chart shows, in a sentence or two."""
        front = sorted((row for row in self.rows if row["front"]), key=lambda row: -row["score"])
        named = [f"{row['method']} (score {number(row['score'])} at {number(row['cost'])})" for row in front]
        return f"Score against cost in {self.title}, of {len(self.rows)} methods. On the front: {', '.join(named)}."


def _rows(points: list[dict[str, Any]], axis: str) -> list[dict[str, Any]]:
    """The points of a chart. The front in passes is the board's; in milliseconds, who is cheap may be somebody else."""
    rows = [row for row in points if row[axis] == row[axis] and row[axis] > 0]
    score, cost = (np.array([row[name] for row in rows], dtype=np.float64) for name in ("score", axis))
    unknown = np.full(len(rows), np.nan)
    front = [row["front"] for row in rows] if axis == "passes" else pareto_front(score, unknown, cost).tolist()
    return [
        {**row, "cost": row[axis], "front": on, "name": row["method"] if on else ""}
        for row, on in zip(rows, front, strict=True)
    ]


def _point(row: dict[Any, Any], subject: Subject) -> dict[str, Any]:
    return {
        "method": row["method"],
        "layer": row["layer"],
        "score": row["score"],
        "low": row["score_lo"],
        "high": row["score_hi"],
        "front": bool(row["pareto"]),
        "page": subject.method_files[row["method"]],
        **{axis: row[axis] for axis in AXES},
    }
