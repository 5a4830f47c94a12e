"""Whether another process, asked another time and in another order, gives the same maps."""

from __future__ import annotations

from typing import ClassVar

from peephole.checks.base import CHECKS, Verdict
from peephole.checks.comparison import difference, equality
from peephole.checks.trial import PLAIN, Trial


@CHECKS.register
class SecondProcess:
    """See `peephole.checks.base.Check`."""

    title: ClassVar[str] = "Same in a second process"
    reason: ClassVar[str] = (
        "what depends on earlier calls, on the clock or on the order of a hash cannot be recomputed elsewhere"
    )
    hint: ClassVar[str] = "keep nothing between calls (caches, counters, globals), and read neither clock nor process"
    required: ClassVar[bool] = True
    order: ClassVar[int] = 100

    def find(self, trial: Trial) -> Verdict:
        """See `peephole.checks.base.Check.find`."""
        far, layer = difference(trial.maps(), trial.maps(PLAIN, second=True))
        return equality("maps of a process that explained another network before", far, layer)
