"""P2, figure 9: which type of decision each backdoor makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from peephole.claims.base import CLAIMS, Claim
from peephole.claims.resampling import draw
from peephole.claims.sufficiency import complete
from peephole.kis import all_samples
from peephole.leaderboard.claim_result import Estimate, Expectation
from peephole.leaderboard.kis_study import Sample, correctness_table
from peephole.leaderboard.verdict import Criterion

if TYPE_CHECKING:
    from peephole.claims.study import Study
    from peephole.figures.base import Drawing
    from peephole.plan import Backdoor
    from peephole.units.base import Unit
    from peephole.units.kis_sample import KisSample

NAMES = MappingProxyType({"badnet": "BadNet", "dynamic": "Dynamic", "input_aware": "InputAware", "wanet": "WaNet"})
RIGHT = ("badnet", "dynamic")
"""The backdoors that need no context, as the paper has it."""
STRONGER = ("input_aware", "wanet")
"""What small suites plant with other options than published."""


def _expectation(trigger: str) -> Expectation:
    # A peak that "aligns with the right" one holds most pictures, and a peak on the left leaves few right of zero.
    side = "right" if trigger in RIGHT else "left"
    return Expectation(
        trigger,
        f"Pictures with the backdoor {NAMES[trigger]} lie {side} of zero.",
        "share of the poisoned pictures with KIS > 0, 0 to 1",
        Criterion("above" if trigger in RIGHT else "below", 0.5),
    )


@CLAIMS.register
class BackdoorTypes(Claim):
    """Poisoned pictures of BadNet and Dynamic lie right of zero by KIS, those of InputAware and WaNet left of it."""

    number: ClassVar[int] = 12
    title: ClassVar[str] = "BadNet and Dynamic suffice for the decision alone, InputAware and WaNet need the picture"
    source: ClassVar[str] = "P2 (alignment), figure 9"
    statement: ClassVar[str] = (
        "Each backdoor makes decisions of one type. The map of a picture with BadNet or Dynamic is enough for the "
        "decision (KIS above zero); with InputAware or WaNet it is not, since what these change works in its picture "
        "only."
    )
    measured: ClassVar[str] = (
        "KIS of poisoned test pictures on which the trigger decides, on maps of Guided Backprop at the input. Models "
        "that miss their gates are left out, and pictures whose map says nothing."
    )
    test: ClassVar[str] = "Share right of zero, averaged over models."
    expectations: ClassVar[tuple[Expectation, ...]] = tuple(_expectation(trigger) for trigger in NAMES)

    def units(self, study: Study) -> Sequence[Unit]:
        """The samples of the models with these backdoors."""
        return [unit for name in NAMES for _, unit in _units(study, name)]

    def examine(self, study: Study) -> Mapping[str, Estimate | str]:
        """See `Claim.examine`."""
        return {name: self._answer(study, name) for name in NAMES}

    def draw(self, study: Study, width: float) -> Drawing | None:
        """A histogram a backdoor, clean pictures and poisoned ones; all seeds together."""
        from peephole.figures.base import Drawing
        from peephole.kis_sheet import kis_figure, on_paper

        parts = {name: _samples(study, name) for name in NAMES}
        samples = [sample for part in parts.values() for sample in part]
        if not samples:
            return None

        def said(model: str, variant: str, pictures: str) -> str:
            shares = [
                float((sample.values[0] > 0).mean())
                for sample in samples
                if sample.model == model and sample.pictures == pictures
            ]
            return f"{sum(shares) / len(shares):.0%} right of zero"

        measures = replace(on_paper(width, width / len(NAMES)), above=0.56, row=1.95)  # names take two lines
        figure = kis_figure(samples, said, correctness_table([]), measures)
        return Drawing(figure, _caption(study, parts))

    def _answer(self, study: Study, name: str) -> Estimate | str:
        units = _units(study, name)
        if not units:
            return f"the suite has no trigger {name}, or asks for no study of KIS"
        values = [sample.values[0] for sample in _samples(study, name) if sample.pictures == "poisoned"]
        values = [each for each in values if len(each)]
        if not values:
            return f"no model with the trigger {name} meets its gates"
        draws = draw({name: [len(each) for each in values]}, "backdoor types")
        return draws.estimate(draws.means(name, np.concatenate(values) > 0), self.level)


def _units(study: Study, name: str) -> list[tuple[Backdoor, KisSample]]:
    """The models with a trigger of this kind, and their samples."""
    own = {backdoor.model.digest: backdoor for backdoor in study.backdoors(name)}
    found = ((own.get(unit.inputs["model"].digest), unit) for unit in study.plan.samples)
    return [(backdoor, unit) for backdoor, unit in found if backdoor is not None]


def _samples(study: Study, name: str) -> list[Sample]:
    """Clean pictures of each certified model, and the poisoned ones on which its trigger decides."""
    there = [unit for backdoor, unit in _units(study, name) if study.has(unit) and study.is_certified(backdoor)]
    return [complete(sample) for sample in all_samples(there, study.workspace)]


def _caption(study: Study, parts: Mapping[str, Sequence[Sample]]) -> str:
    suite = study.plan.suite
    stronger = [text for name in STRONGER for text in study.triggers(name) if text != name and parts[name]]
    without = [NAMES[name] for name, samples in parts.items() if not samples]
    return (
        f"{suite.model} on {suite.dataset.name}: which type of decision a backdoor makes, by KIS of the decision's map "
        "of Guided Backprop. S = 1: with the map alone the network does just the same; S < 0: it does something else. "
        "Of poisoned pictures those on which the trigger decides. Bars are shares of the pictures of their colour, all "
        "models that meet their gates together; what lies beyond the left end is in the first bar; shaded: right of "
        "zero."
        + (f" Stronger than published, so that few epochs teach it: {' and '.join(stronger)}." if stronger else "")
        + (f" Not shown, since no model meets its gates: {', '.join(without)}." if without else "")
    )
