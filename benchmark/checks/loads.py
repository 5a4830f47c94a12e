"""Whether the method can be loaded."""

from __future__ import annotations

from typing import ClassVar

from peephole.checks.base import CHECKS, Verdict
from peephole.checks.trial import Trial
from peephole.submissions.failure import SubmissionError


@CHECKS.register
class Loads:
    """See `peephole.checks.base.Check`."""

    title: ClassVar[str] = "Loads"
    reason: ClassVar[str] = "a method that cannot be loaded cannot explain anything"
    hint: ClassVar[str] = (
        "run the file by itself with python: it must import without arguments, data or files that are elsewhere"
    )
    required: ClassVar[bool] = True
    order: ClassVar[int] = 10

    def find(self, trial: Trial) -> Verdict:
        """See `peephole.checks.base.Check.find`."""
        try:
            layered = trial.layered
        except SubmissionError as error:
            if error.unfit:  # which is for the next check to say
                return Verdict(True, "in a process of its own")
            raise
        return Verdict(
            True, "in a process of its own; " + ("takes layers" if layered else "has one map, of the picture")
        )
