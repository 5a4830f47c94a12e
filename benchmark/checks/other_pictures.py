"""Whether pictures of another size and a network of other classes are explained as well."""

from __future__ import annotations

from typing import ClassVar

from peephole.checks.base import CHECKS, Verdict
from peephole.checks.trial import RESIZED, Trial


@CHECKS.register
class OtherPictures:
    """See `peephole.checks.base.Check`."""

    title: ClassVar[str] = "Other sizes"
    reason: ClassVar[str] = "suites have pictures of 32 and of 224 pixels, and networks of 10 and of 1000 classes"
    hint: ClassVar[str] = (
        "take sizes from x.shape and the network's layers from model.layers; as it is, it works in some suites only"
    )
    required: ClassVar[bool] = False
    order: ClassVar[int] = 130

    def find(self, trial: Trial) -> Verdict:
        """See `peephole.checks.base.Check.find`."""
        trial.maps(RESIZED)
        x, classes = trial.subjects["resized"].x, trial.subjects["resized"].classes
        return Verdict(True, f"{'×'.join(map(str, x.shape[1:]))} pictures, {classes} classes")
