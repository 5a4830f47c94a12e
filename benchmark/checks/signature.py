"""Whether the method can be called as methods are."""

from __future__ import annotations

from typing import ClassVar

from peephole.checks.base import CHECKS, Verdict
from peephole.checks.trial import Trial


@CHECKS.register
class Signature:
    """See `peephole.checks.base.Check`."""

    title: ClassVar[str] = "Can be called"
    reason: ClassVar[str] = (
        "the benchmark hands over a network, pictures and labels, and layers if they are taken, by position"
    )
    hint: ClassVar[str] = "write it as def explain(model, x, target), or with layers as the fourth"
    required: ClassVar[bool] = True
    order: ClassVar[int] = 20

    def find(self, trial: Trial) -> Verdict:
        """See `peephole.checks.base.Check.find`."""
        what = "(model, x, target, layers)" if trial.layered else "(model, x, target)"
        return Verdict(True, f"with {what}" + (", and draws random numbers, as it says" if trial.stochastic else ""))
