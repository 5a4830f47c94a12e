"""Whether maps have the size of their layer or of the picture."""

from __future__ import annotations

from typing import ClassVar

from peephole.attributions.checked import check_shape
from peephole.checks.base import CHECKS, Verdict
from peephole.checks.trial import ALONE, PLAIN, Trial
from peephole.errors import PeepholeError


@CHECKS.register
class Shape:
    """See `peephole.checks.base.Check`."""

    title: ClassVar[str] = "Shape"
    reason: ClassVar[str] = "a map is compared with the picture place by place"
    hint: ClassVar[str] = "return a map a picture: [B,c,h,w] or [B,h,w], at the size of its layer or of the picture"
    required: ClassVar[bool] = True
    order: ClassVar[int] = 50

    def find(self, trial: Trial) -> Verdict:
        """See `peephole.checks.base.Check.find`."""
        for question in (PLAIN, ALONE[0]):
            examined = trial.examine(question)
            subject, count = trial.subjects[question.subject], len(question.pictures)
            size = (count, *subject.x.shape[1:])
            try:
                for layer, facts in examined.facts.items():
                    check_shape(trial.name, layer, facts.shape, subject.network.shapes[layer], size)
            except PeepholeError as error:
                return Verdict(False, str(error))
            if missing := [layer for layer in trial.layers() if layer not in examined.facts]:
                return Verdict(False, examined.refused or f"it has no map for '{missing[0]}'")
        first = trial.examine().facts[trial.layers()[0]]
        return Verdict(
            True, f"{'×'.join(map(str, first.shape))} at {trial.layers()[0]}, and of one picture alone as well"
        )
