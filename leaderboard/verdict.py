"""What an interval says of a threshold that was set before it was known; torch-free."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Verdict(StrEnum):
    """What became of an expectation, or of a claim that is made of several."""

    HOLDS = "holds"
    FAILS = "fails"
    NOT_SEPARABLE = "not separable"
    NOT_TESTED = "not tested"


@dataclass(frozen=True)
class Criterion:
    """Where an effect has to lie for an expectation to hold.

    Attributes:
        side: ``"above"`` or ``"below"`` the threshold, or ``"within"`` so much of zero on both sides.
        threshold: as large as an effect has to be to matter, or may be not to; above 0 for ``"within"``.
    """

    side: Literal["above", "below", "within"]
    threshold: float = 0.0

    def verdict(self, low: float, high: float) -> Verdict:
        """What an interval says: the expectation holds if all of it lies where it has to, fails if none of it does.

        Args:
            low: the lower end of the interval; NaN if there is none, which tests nothing.
            high: the upper end.
        """
        if math.isnan(low) or math.isnan(high):
            return Verdict.NOT_TESTED
        first, last = {
            "above": (self.threshold, math.inf),
            "below": (-math.inf, self.threshold),
            "within": (-self.threshold, self.threshold),
        }[self.side]
        if first < low and high < last:
            return Verdict.HOLDS
        return Verdict.FAILS if high <= first or last <= low else Verdict.NOT_SEPARABLE

    def __str__(self) -> str:
        sign = {"above": ">", "below": "<", "within": "within ±"}[self.side]
        return f"{sign}{'' if self.side == 'within' else ' '}{self.threshold:g}"


def joined(verdicts: Iterable[Verdict]) -> Verdict:
    """Of a claim: it holds if all expectations that were tested hold, and fails if one fails."""
    tested = set(verdicts) - {Verdict.NOT_TESTED}
    order = (Verdict.FAILS, Verdict.NOT_SEPARABLE, Verdict.HOLDS)
    return next((verdict for verdict in order if verdict in tested), Verdict.NOT_TESTED)
