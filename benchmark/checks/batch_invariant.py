"""Whether a map does not depend on the other pictures of the batch."""

from __future__ import annotations

from typing import ClassVar

from peephole.checks.base import CHECKS, Verdict
from peephole.checks.comparison import TOLERANCE, difference, equality, some
from peephole.checks.trial import ALONE, REORDERED, Trial


@CHECKS.register
class BatchInvariant:
    """See `peephole.checks.base.Check`."""

    title: ClassVar[str] = "Independent of the batch"
    reason: ClassVar[str] = "how pictures are put together is the benchmark's choice, and no map may depend on it"
    hint: ClassVar[str] = (
        "compute sums, maxima and normalisations for each picture, not over dimension 0, and use each picture's own "
        "target"
    )
    required: ClassVar[bool] = True
    order: ClassVar[int] = 110

    def find(self, trial: Trial) -> Verdict:
        """See `peephole.checks.base.Check.find`."""
        whole = trial.maps()
        reordered = difference(some(whole, REORDERED.pictures), trial.maps(REORDERED))
        alone = max(difference(some(whole, one.pictures), trial.maps(one)) for one in ALONE)
        if max(reordered, alone)[0] <= TOLERANCE:
            return equality("maps of pictures alone and in another order", *max(reordered, alone))
        how = "alone" if alone > reordered else "in another order"
        return equality(f"maps of pictures {how}", *max(reordered, alone))
