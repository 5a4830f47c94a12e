"""Whether the tensors that were handed over are left as they were."""

from __future__ import annotations

from typing import ClassVar

from peephole.checks.base import CHECKS, Verdict
from peephole.checks.leftovers import left
from peephole.checks.trial import Trial


@CHECKS.register
class LeavesPictures:
    """See `peephole.checks.base.Check`."""

    title: ClassVar[str] = "Leaves the pictures alone"
    reason: ClassVar[str] = "the maps are scored on these pictures"
    hint: ClassVar[str] = (
        "start with x = x.clone(), or x.detach().clone().requires_grad_(); use no methods that end in _ on x and target"
    )
    required: ClassVar[bool] = True
    order: ClassVar[int] = 190

    def find(self, trial: Trial) -> Verdict:
        """See `peephole.checks.base.Check.find`."""
        return left(trial, "pictures", "pictures and labels are as they were")
