"""Whether maps depend on the label that is to be explained."""

from __future__ import annotations

from typing import ClassVar

from peephole.checks.base import CHECKS, Verdict
from peephole.checks.comparison import TOLERANCE, apart, difference
from peephole.checks.trial import OTHER_TARGET, Trial


@CHECKS.register
class SeesTarget:
    """See `peephole.checks.base.Check`."""

    title: ClassVar[str] = "Depends on the label"
    reason: ClassVar[str] = (
        "a map that is the same for every label cannot say what speaks for one (class sensitivity will show it)"
    )
    hint: ClassVar[str] = "explain model(x)[i, target[i]]; if the method is meant to look at no label, this is no fault"
    required: ClassVar[bool] = False
    order: ClassVar[int] = 140

    def find(self, trial: Trial) -> Verdict:
        """See `peephole.checks.base.Check.find`."""
        far, _ = difference(trial.maps(), trial.maps(OTHER_TARGET))
        return Verdict(far > TOLERANCE, f"maps for other labels {apart(far)}")
