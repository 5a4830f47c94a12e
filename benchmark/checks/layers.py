"""Whether the method says at which layers it has maps."""

from __future__ import annotations

from typing import ClassVar

from peephole.checks.base import CHECKS, Verdict
from peephole.checks.trial import Trial


@CHECKS.register
class Layers:
    """See `peephole.checks.base.Check`."""

    title: ClassVar[str] = "Layers"
    reason: ClassVar[str] = "a map is scored at the layer that it is of"
    hint: ClassVar[str] = "return some of model.layers from layers(model), or leave it out: then it is all of them"
    required: ClassVar[bool] = True
    order: ClassVar[int] = 30

    def find(self, trial: Trial) -> Verdict:
        """See `peephole.checks.base.Check.find`."""
        found = trial.layers()
        return Verdict(True, f"{len(found)}: {', '.join(found)}")
