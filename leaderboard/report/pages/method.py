"""A page a method: where it looks, how it does at each layer and on each backdoor, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from peephole.leaderboard.report.columns import score_rows
from peephole.leaderboard.report.page import Page
from peephole.leaderboard.report.subject import Subject
from peephole.leaderboard.report.views import View

REFERENCES = ("oracle", "random")
"""Calibration rows that stand in the charts of every method."""
CURVES = {
    "restore": "Restore: what is left of the attack while the clean picture is put back, most relevant first",
    "morf": "MoRF: changed decisions while pixels are taken out, most relevant first",
    "lerf": "LeRF: changed decisions while pixels are taken out, least relevant first",
    "insert": "Insert: the attack's success while the trigger is put in, most relevant first",
}
PLACES = 3
"""Decimals of a curve."""


def pages(subject: Subject) -> Iterator[Page]:
    """A page for each method and calibration row of the board."""
    curves = _curves(subject)
    references = [row for name in REFERENCES for row in curves.get(name, ())]
    for name in subject.methods:
        rows = subject.table[subject.table["method"] == name].reset_index(drop=True)
        best = _best(rows)
        context = {
            "name": name,
            "rows": _in_network_order(rows, subject),
            "best": best,
            "scores": [row for view in subject.views for row in score_rows(view, name)],
            "curves": _charts(curves.get(name, ()), references if name not in REFERENCES else (), subject),
            "titles": CURVES,
            "galleries": [gallery for gallery in subject.contents.galleries if name in gallery.sheets],
            "calibration": name in subject.calibration,
            "by_trigger": [(view, _best_of(view, name)) for view in subject.views[1:]],
        }
        yield Page(subject.method_files[name], "method.html", name, context)


def _best(rows: pd.DataFrame) -> dict[str, Any]:
    chosen = rows[rows["best_layer"]] if "best_layer" in rows and rows["best_layer"].any() else rows
    return {str(key): value for key, value in chosen.iloc[0].items()}


def _best_of(view: View, name: str) -> dict[str, Any] | None:
    rows = view.table[(view.table["method"] == name) & view.table["best_layer"]]
    return None if rows.empty else {str(key): value for key, value in rows.iloc[0].items()}


def _in_network_order(rows: pd.DataFrame, subject: Subject) -> list[dict[Any, Any]]:
    place = {layer: number for number, layer in enumerate(subject.layers)}
    return sorted(rows.to_dict("records"), key=lambda row: place[row["layer"]])


def _curves(subject: Subject) -> dict[str, list[dict[str, Any]]]:
    """Rows of the charts of curves, by method."""
    found: dict[str, list[dict[str, Any]]] = {}
    for curve in subject.contents.curves:
        found.setdefault(curve.method, []).append(
            {
                "metric": curve.metric,
                "method": curve.method,
                "trigger": curve.trigger,
                "layer": curve.layer,
                "values": [round(value, PLACES) for value in curve.values.tolist()],
                "pictures": curve.pictures,
            }
        )
    return found


def _charts(own: Any, references: Any, subject: Subject) -> dict[str, list[dict[str, Any]]]:
    """By metric the curves of a method and the references beside it; which they are is said by ``role``."""
    shares = len(subject.contents.shares)
    return {
        metric: [
            {**row, "role": "method" if place == 0 else row["method"], "last": shares - 1}
            for place, rows in enumerate((own, references))
            for row in rows
            if row["metric"] == metric
        ]
        for metric in CURVES
        if any(row["metric"] == metric for row in own)
    }
