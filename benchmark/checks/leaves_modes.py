"""Whether every module is left in the mode that it was in."""

from __future__ import annotations

from typing import ClassVar

from peephole.checks.base import CHECKS, Verdict
from peephole.checks.leftovers import left
from peephole.checks.trial import Trial


@CHECKS.register
class LeavesModes:
    """See `peephole.checks.base.Check`."""

    title: ClassVar[str] = "Leaves the modes alone"
    reason: ClassVar[str] = "a network in training mode gives other answers, and moves its statistics"
    hint: ClassVar[str] = "call model.eval() in a finally, or do not call model.train() at all"
    required: ClassVar[bool] = True
    order: ClassVar[int] = 170

    def find(self, trial: Trial) -> Verdict:
        """See `peephole.checks.base.Check.find`."""
        return left(trial, "mode", "every module is in eval mode")
