"""What came of trying one case."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One case of a check.

    Attributes:
        case: what was tried.
        expected: what must come of it.
        got: what came of it.
        holds: whether that is the same.
    """

    case: str
    expected: str
    got: str
    holds: bool

    def __str__(self) -> str:
        return f"{'holds' if self.holds else 'FAILS'}: {self.case}: expected {self.expected}; got {self.got}"
