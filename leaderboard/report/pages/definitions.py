"""How each number of the report is defined."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from peephole.leaderboard.base import CALIBRATION
from peephole.leaderboard.bootstrap import RESAMPLES
from peephole.leaderboard.report.page import Page
from peephole.leaderboard.report.subject import Subject


def pages(subject: Subject) -> Iterator[Page]:
    """One page: the score and what stands around it, every metric of the board, and the calibration rows."""
    score_of = subject.table["score_of"].iloc[0] if "score_of" in subject.table and len(subject.table) else ""
    context = {
        "score_of": [part.rsplit(": ", 1) for part in score_of.split("; ") if ": " in part],
        "resamples": RESAMPLES,
        "calibration": [_calibration(name) for name in CALIBRATION.names()],
        "titles": {metric.name: metric.title for metric in subject.metrics},
    }
    yield Page("definitions.html", "definitions.html", "How each number is defined", context)


def _calibration(name: str) -> tuple[str, str, str]:
    made = CALIBRATION[name]
    text = (inspect.getdoc(made) or "").split("\n\n")[0]
    return name, made.title, " ".join(text.split())
