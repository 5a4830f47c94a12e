"""Whether maps have no NaN and no infinite values."""

from __future__ import annotations

from typing import ClassVar

from peephole.checks.base import CHECKS, NothingToCheck, Verdict
from peephole.checks.trial import Trial


@CHECKS.register
class Finite:
    """See `peephole.checks.base.Check`."""

    title: ClassVar[str] = "Finite"
    reason: ClassVar[str] = "a map with NaN has no order and no sum"
    hint: ClassVar[str] = (
        "look for divisions by sums that can be zero, roots and logarithms; add a small number to what divides"
    )
    required: ClassVar[bool] = True
    order: ClassVar[int] = 70

    def find(self, trial: Trial) -> Verdict:
        """See `peephole.checks.base.Check.find`."""
        facts = trial.examine().facts
        if not facts:
            raise NothingToCheck("there are no maps to look at")
        wrong = {layer: fact.not_finite for layer, fact in facts.items() if fact.not_finite}
        if wrong:
            layer, count = next(iter(wrong.items()))
            return Verdict(False, f"{count} values of the maps at '{layer}' are NaN or infinite")
        trial.maps()
        return Verdict(True, "no NaN, nothing infinite")
