"""Whether weights and buffers are left as they were."""

from __future__ import annotations

from typing import ClassVar

from peephole.checks.base import CHECKS, Verdict
from peephole.checks.leftovers import left
from peephole.checks.trial import Trial


@CHECKS.register
class LeavesWeights:
    """See `peephole.checks.base.Check`."""

    title: ClassVar[str] = "Leaves the weights alone"
    reason: ClassVar[str] = "other methods explain the same network afterwards"
    hint: ClassVar[str] = "work on copy.deepcopy(model), or put back what you change"
    required: ClassVar[bool] = True
    order: ClassVar[int] = 160

    def find(self, trial: Trial) -> Verdict:
        """See `peephole.checks.base.Check.find`."""
        return left(trial, "weights", "weights and buffers are as they were")
