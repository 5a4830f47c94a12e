"""What a picture costs."""

from __future__ import annotations

from typing import ClassVar

from peephole.checks.base import CHECKS, Verdict
from peephole.checks.trial import Trial

MANY = 500
"""Passes a picture that are worth a warning: KernelSHAP and Lime with small budgets."""


@CHECKS.register
class Duration:
    """See `peephole.checks.base.Check`."""

    title: ClassVar[str] = "Time"
    reason: ClassVar[str] = "a run asks about thousands of pictures"
    hint: ClassVar[str] = "score it on a part of the pictures, as in peephole submit --share 0.1, or use fewer samples"
    required: ClassVar[bool] = False
    order: ClassVar[int] = 230

    def find(self, trial: Trial) -> Verdict:
        """See `peephole.checks.base.Check.find`."""
        cost = trial.cost
        passes = f"{cost.passes:.3g} forward and backward pass{'es' * (cost.passes != 1)}"
        return Verdict(cost.passes <= MANY, f"{cost.ms_per_image:.3g} ms a picture: {passes} (batches of {cost.batch})")
