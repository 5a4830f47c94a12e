"""Whether maps depend on the network's weights."""

from __future__ import annotations

from typing import ClassVar

from peephole.checks.base import CHECKS, Verdict
from peephole.checks.comparison import TOLERANCE, apart, difference
from peephole.checks.trial import RETRAINED, Trial


@CHECKS.register
class SeesNetwork:
    """See `peephole.checks.base.Check`."""

    title: ClassVar[str] = "Depends on the network"
    reason: ClassVar[str] = "a map that is the same for every network shows the picture, as an edge detector does"
    hint: ClassVar[str] = "use model: its outputs, activations or gradients"
    required: ClassVar[bool] = False
    order: ClassVar[int] = 150

    def find(self, trial: Trial) -> Verdict:
        """See `peephole.checks.base.Check.find`."""
        far, _ = difference(trial.maps(), trial.maps(RETRAINED, second=True))
        return Verdict(far > TOLERANCE, f"maps of a network with other weights {apart(far)}")
