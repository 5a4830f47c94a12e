"""What the method's process uses at most."""

from __future__ import annotations

from typing import ClassVar

from peephole.checks.base import CHECKS, Verdict
from peephole.checks.trial import Trial
from peephole.submissions.limits import GIGA

NEAR = 0.8
"""Of what it may use: with less to spare it is warned of."""


@CHECKS.register
class Memory:
    """See `peephole.checks.base.Check`."""

    title: ClassVar[str] = "Memory"
    reason: ClassVar[str] = "a process that uses more than it may is ended, and its row is lost"
    hint: ClassVar[str] = "use fewer samples at once; give it more with --memory if the machine has more"
    required: ClassVar[bool] = False
    order: ClassVar[int] = 220

    def find(self, trial: Trial) -> Verdict:
        """See `peephole.checks.base.Check.find`."""
        trial.cost  # noqa: B018 - the largest batch has been asked
        peak, most = trial.peak_memory / GIGA, trial.limits.memory / GIGA
        return Verdict(peak <= NEAR * most, f"{peak:.2g} GiB at most, of the {most:.2g} that it may use")
