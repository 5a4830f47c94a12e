"""The first page: the leaderboard."""

from __future__ import annotations

from collections.abc import Iterator

from peephole.leaderboard.report.columns import cost_entries, method_entries, metric_entries, view_columns
from peephole.leaderboard.report.page import Page
from peephole.leaderboard.report.subject import Subject


def pages(subject: Subject) -> Iterator[Page]:
    """One page; without a board it says what is missing."""
    data = {
        "methods": method_entries(subject),
        "layers": subject.layers,
        "metrics": metric_entries(subject),
        "views": [view_columns(subject, view) for view in subject.views],
        "costs": cost_entries(subject),
    }
    yield Page("index.html", "board.html", "Which explanation finds the backdoor?", {"data": data})
