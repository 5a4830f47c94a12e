"""Whether the method explains pictures at all."""

from __future__ import annotations

from typing import ClassVar

from peephole.checks.base import CHECKS, Verdict
from peephole.checks.trial import PLAIN, Trial


@CHECKS.register
class Answers:
    """See `peephole.checks.base.Check`."""

    title: ClassVar[str] = "Explains"
    reason: ClassVar[str] = "a call that fails has no map"
    hint: ClassVar[str] = (
        "look at that line; model is the canonical graph of a network in eval mode, x [B,3,H,W] in [0,1], target "
        "int64 [B]"
    )
    required: ClassVar[bool] = True
    order: ClassVar[int] = 40

    def find(self, trial: Trial) -> Verdict:
        """See `peephole.checks.base.Check.find`."""
        trial.examine()
        return Verdict(True, f"{len(PLAIN.pictures)} pictures at {_count(len(trial.layers()))}")


def _count(layers: int) -> str:
    return "one layer" if layers == 1 else f"{layers} layers"
