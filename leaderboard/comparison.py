"""What a comparison of methods or boards says; torch-free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from peephole.leaderboard.alignment import Row
from peephole.leaderboard.bootstrap import LEVEL
from peephole.leaderboard.cells import Direction

Verdict = Literal["better", "worse", "not separable"]
How = Literal["paired", "unpaired", "summaries"]


@dataclass(frozen=True)
class Comparison:
    """Two rows under one measure, A against B.

    Attributes:
        measure: ``"score"`` for the headline, or a metric.
        direction: whether higher or lower is better.
        a, b, difference: the two means, over the pictures that are compared, and the first less the second; NaN where
            there is none.
        low, high: the 95 % interval of this one difference; NaN where none can be given.
        p: of this one difference, by Student's t; NaN where there is no interval. Of few pictures an interval is too
            narrow, and p is not.
        p_corrected: by `holm`, over all comparisons of the report.
        verdict: of A: ``"better"`` or ``"worse"``, by the measure's direction, if ``p_corrected`` is at most .05 and
            the interval excludes 0; else ``"not separable"``, which does not say that A and B are equal.
        n_a, n_b: pictures.
        reason: why nothing could be tested, or empty.
        unscaled: the triggers under which the truth itself is not shown to do better than chance by this metric. What
            is better there is what the metric prefers, not what finds the backdoor; the headline leaves them out.
    """

    measure: str
    direction: Direction
    a: float
    b: float
    difference: float
    low: float
    high: float
    p: float
    p_corrected: float
    verdict: Verdict
    n_a: int
    n_b: int
    reason: str
    unscaled: tuple[str, ...]


@dataclass(frozen=True)
class Pair:
    """Two rows, and all that was compared of them: the headline first."""

    a: Row
    b: Row
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True)
class Report:
    """A comparison of methods or boards.

    Attributes:
        how: ``"paired"`` on the same models and pictures, ``"unpaired"`` with a bootstrap of each board on its own, or
            from the ``"summaries"`` in the tables.
        pairs: what was compared.
        only_a, only_b: rows that one board has alone.
        remarks: what a reader must know, a sentence each.
    """

    how: How
    pairs: tuple[Pair, ...]
    only_a: tuple[Row, ...]
    only_b: tuple[Row, ...]
    remarks: tuple[str, ...]


def verdict_of(difference: float, low: float, high: float, corrected: float, direction: Direction) -> Verdict:
    """What a `Comparison` says of A, from its numbers; NaN is not separable."""
    if corrected <= 1 - LEVEL and (low > 0 or high < 0):
        return "better" if (difference > 0) == (direction == "higher") else "worse"
    return "not separable"
