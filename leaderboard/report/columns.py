"""Rows of a board as columns of numbers, for a page's data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from peephole.leaderboard.report.subject import Subject
from peephole.leaderboard.report.views import View
from peephole.leaderboard.tables import metric_columns


def method_entries(subject: Subject) -> list[dict[str, Any]]:
    """Name, page and kind of each method, in the order of `Subject.methods`."""
    table = subject.table
    submitted = set(table.loc[table["submission"] != "", "method"]) if "submission" in table else set()
    return [
        {
            "name": name,
            "href": subject.method_files[name],
            "calibration": name in subject.calibration,
            "submission": name in submitted,
        }
        for name in subject.methods
    ]


def metric_entries(subject: Subject) -> list[dict[str, Any]]:
    """Name, title, direction and weight of each metric."""
    return [
        {"name": metric.name, "title": metric.title, "lower": metric.lower, "core": metric.core}
        for metric in subject.metrics
    ]


def view_columns(subject: Subject, view: View) -> dict[str, Any]:
    """A view as columns: methods and layers by their places, scores, ranks, and each metric's mean and interval."""
    frame = view.table
    methods, layers = _places(subject.methods), _places(subject.layers)
    return {
        "trigger": view.trigger,
        "madeOf": view.made_of,
        "method": [methods[name] for name in frame["method"]],
        "layer": [layers[name] for name in frame["layer"]],
        "best": frame["best_layer"].to_numpy(),
        **{
            key: frame[name].to_numpy() for key, name in (("score", "score"), ("low", "score_lo"), ("high", "score_hi"))
        },
        "rank": [None if rank != rank else int(rank) for rank in frame["rank"].astype("Float64").to_numpy("float64")],
        "rankInterval": frame["rank_interval"].tolist(),
        "tie": [None if tie != tie else int(tie) for tie in frame["tie_group"].astype("Float64").to_numpy("float64")],
        "invalid": [int(count) for count in frame["n_invalid"]],
        "metrics": {
            metric: [frame[name].to_numpy() for name in (metric, f"{metric}_lo", f"{metric}_hi")]
            for metric in metric_columns(frame)
        },
    }


def score_rows(view: View, method: str | None = None) -> Iterator[dict[str, Any]]:
    """Rows of the charts of scores by layer and by trigger, of all methods or of one."""
    table = view.table if method is None else view.table[view.table["method"] == method]
    for row in table.to_dict("records"):
        yield {
            "method": row["method"],
            "trigger": view.trigger or "all triggers",
            "layer": row["layer"],
            "score": row["score"],
            "low": row["score_lo"],
            "high": row["score_hi"],
        }


def cost_entries(subject: Subject) -> dict[str, dict[str, Any]]:
    """What each row costs, by ``"METHOD/LAYER"``, by their places."""
    methods, layers = _places(subject.methods), _places(subject.layers)
    rows = subject.table.to_dict("records")
    return {
        f"{methods[row['method']]}/{layers[row['layer']]}": {
            "passes": row.get("passes"),
            "ms": row.get("ms_per_image"),
        }
        for row in rows
    }


def _places(names: tuple[str, ...]) -> Mapping[str, int]:
    return {name: place for place, name in enumerate(names)}
