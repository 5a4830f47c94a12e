"""Whether the same call gives the same maps again."""

from __future__ import annotations

from typing import ClassVar

from peephole.checks.base import CHECKS, Verdict
from peephole.checks.comparison import difference, equality
from peephole.checks.trial import AGAIN, OTHER_SEED, Trial


@CHECKS.register
class Deterministic:
    """See `peephole.checks.base.Check`."""

    title: ClassVar[str] = "Same again"
    reason: ClassVar[str] = "a row that others cannot recompute is worth nothing"
    hint: ClassVar[str] = (
        "draw from a torch.Generator with a fixed seed, or declare explain.stochastic = True: then each picture is "
        "seeded for you"
    )
    required: ClassVar[bool] = True
    order: ClassVar[int] = 90

    def find(self, trial: Trial) -> Verdict:
        """See `peephole.checks.base.Check.find`."""
        question = AGAIN if trial.stochastic else OTHER_SEED
        seeds = "the same seed" if trial.stochastic else "two global seeds"
        return equality(f"maps of two calls under {seeds}", *difference(trial.maps(), trial.maps(question)))
