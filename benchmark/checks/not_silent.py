"""Whether maps say anything at all."""

from __future__ import annotations

from typing import ClassVar

from peephole.checks.base import CHECKS, Verdict
from peephole.checks.trial import PLAIN, Trial


@CHECKS.register
class NotSilent:
    """See `peephole.checks.base.Check`."""

    title: ClassVar[str] = "Not all zero"
    reason: ClassVar[str] = "a map of zeros says nothing and is scored as chance"
    hint: ClassVar[str] = "look whether gradients reach the picture: a detach, a rounding or a ReLU too many"
    required: ClassVar[bool] = True
    order: ClassVar[int] = 80

    def find(self, trial: Trial) -> Verdict:
        """See `peephole.checks.base.Check.find`."""
        facts = trial.examine().facts
        trial.maps()
        count = len(PLAIN.pictures)
        silent = {layer: fact.silent for layer, fact in facts.items() if fact.silent}
        if sum(silent.values()) == count * len(facts):
            return Verdict(False, f"all {count * len(facts)} maps are zero everywhere")
        if silent:
            where = ", ".join(f"{number} of {count} at {layer}" for layer, number in silent.items())
            return Verdict(True, f"zero everywhere: {where}; such maps are scored as chance")
        return Verdict(True, f"all {count * len(facts)} maps have values")
