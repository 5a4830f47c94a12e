"""Whether torch's functions and settings are left as they were."""

from __future__ import annotations

from typing import ClassVar

from peephole.checks.base import CHECKS, Verdict
from peephole.checks.leftovers import left
from peephole.checks.trial import Trial


@CHECKS.register
class LeavesTorch:
    """See `peephole.checks.base.Check`."""

    title: ClassVar[str] = "Leaves torch alone"
    reason: ClassVar[str] = "a replaced function or another default changes whatever is computed later"
    hint: ClassVar[str] = "put back in a finally what you replace, or wrap the module instead; set no defaults"
    required: ClassVar[bool] = True
    order: ClassVar[int] = 200

    def find(self, trial: Trial) -> Verdict:
        """See `peephole.checks.base.Check.find`."""
        return left(trial, "torch", "its functions, gradient mode, default dtype and threads are as they were")
