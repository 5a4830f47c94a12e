"""Whether the global random states are left as they were."""

from __future__ import annotations

from typing import ClassVar

from peephole.checks.base import CHECKS, Verdict
from peephole.checks.leftovers import left
from peephole.checks.trial import Trial


@CHECKS.register
class LeavesRandomStates:
    """See `peephole.checks.base.Check`."""

    title: ClassVar[str] = "Leaves the random states alone"
    reason: ClassVar[str] = "seeding the global state makes all that is drawn later the same"
    hint: ClassVar[str] = "draw from torch.Generator().manual_seed(…) of your own, or declare explain.stochastic = True"
    required: ClassVar[bool] = False
    order: ClassVar[int] = 210

    def find(self, trial: Trial) -> Verdict:
        """See `peephole.checks.base.Check.find`."""
        if trial.stochastic:
            return Verdict(True, "they may move, as it says that it draws random numbers")
        return left(trial, "random", "Python's, NumPy's and torch's are as they were")
