"""Whether no hooks are left behind."""

from __future__ import annotations

from typing import ClassVar

from peephole.checks.base import CHECKS, Verdict
from peephole.checks.leftovers import left
from peephole.checks.trial import Trial


@CHECKS.register
class LeavesHooks:
    """See `peephole.checks.base.Check`."""

    title: ClassVar[str] = "Leaves no hooks"
    reason: ClassVar[str] = "a hook that stays acts in every later call"
    hint: ClassVar[str] = "keep what register_..._hook returns and call its remove() in a finally"
    required: ClassVar[bool] = True
    order: ClassVar[int] = 180

    def find(self, trial: Trial) -> Verdict:
        """See `peephole.checks.base.Check.find`."""
        return left(trial, "hooks", "no hooks are left")
