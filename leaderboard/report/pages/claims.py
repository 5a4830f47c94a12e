"""The page of the papers' claims: what became of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from peephole.leaderboard.report.contents import claim_figure
from peephole.leaderboard.report.page import Page
from peephole.leaderboard.report.subject import Subject
from peephole.leaderboard.verdict import Verdict


def pages(subject: Subject) -> Iterator[Page]:
    """One page, if any claim was examined."""
    found = subject.contents.claims
    if found is None:
        return
    counted = Counter(result.verdict for result in found.results)
    context = {
        "found": found,
        "counts": [(verdict, counted[verdict]) for verdict in Verdict if counted[verdict]],
        "file": claim_figure,
        "pills": {Verdict.HOLDS: "good", Verdict.FAILS: "bad"},
    }
    yield Page("claims.html", "claims.html", "What became of the papers' claims", context)
