"""Whether maps are floating-point numbers where the pictures are."""

from __future__ import annotations

from typing import ClassVar

from peephole.checks.base import CHECKS, NothingToCheck, Verdict
from peephole.checks.trial import Trial


@CHECKS.register
class Numbers:
    """See `peephole.checks.base.Check`."""

    title: ClassVar[str] = "Floating point"
    reason: ClassVar[str] = "whole numbers lose what is small, and a map that is elsewhere cannot be read"
    hint: ClassVar[str] = "return a floating-point tensor on x.device"
    required: ClassVar[bool] = True
    order: ClassVar[int] = 60

    def find(self, trial: Trial) -> Verdict:
        """See `peephole.checks.base.Check.find`."""
        device = str(trial.subjects["plain"].x.device)
        facts = trial.examine().facts
        if not facts:
            raise NothingToCheck("there are no maps to look at")
        for layer, fact in facts.items():
            if not fact.dtype.startswith(("torch.float", "torch.bfloat")):
                return Verdict(False, f"the map of '{layer}' is {fact.dtype}; expected floating point")
            # What is brought to the processor, as by numpy, is taken; there is nothing to take from meta.
            if fact.device not in (device, "cpu"):
                return Verdict(
                    False, f"the map of '{layer}' is on {fact.device}; expected {device}, where the pictures are"
                )
        found = next(iter(facts.values()))
        return Verdict(True, f"{found.dtype} on {found.device}")
