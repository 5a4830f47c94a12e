"""What is found where results are not what they should be."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from peephole.leaderboard.alignment import Row


@dataclass(frozen=True)
class Finding:
    """One difference.

    Attributes:
        where: file and line, or what was made anew.
        what: what is there, and what should be.
        rows: of the board that it concerns; none if it concerns a file as a whole.
    """

    where: str
    what: str
    rows: frozenset[Row] = frozenset()

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def by_row(findings: Iterable[Finding]) -> dict[Row, list[str]]:
    """What is found of each row, in the order found."""
    found: dict[Row, list[str]] = {}
    for finding in findings:
        for row in finding.rows:
            found.setdefault(row, []).append(str(finding))
    return found
