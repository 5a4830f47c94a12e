"""P2, figure 9: which type of decision each backdoor makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from peephole.claims.base import CLAIMS, Claim
from peephole.leaderboard.claim_result import Estimate, Expectation
from peephole.leaderboard.verdict import Criterion

if TYPE_CHECKING:
    from peephole.claims.study import Study
    from peephole.figures.base import Drawing
    from peephole.units.base import Unit

NAMES = MappingProxyType({"badnet": "BadNet", "dynamic": "Dynamic", "input_aware": "InputAware", "wanet": "WaNet"})
RIGHT = ("badnet", "dynamic")
"""The backdoors that need no context, as the paper has it."""


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
    test: ClassVar[str] = (
        "Share right of zero, averaged over models. Percentile intervals of a bootstrap over models and pictures."
    )
    expectations: ClassVar[tuple[Expectation, ...]] = tuple(_expectation(trigger) for trigger in NAMES)

    def units(self, study: Study) -> Sequence[Unit]:
        """The samples of the models with these backdoors."""
        models = {backdoor.model.digest for backdoor in study.backdoors(*NAMES)}
        return [unit for unit in study.plan.samples if unit.inputs["model"].digest in models]

    def examine(self, study: Study) -> Mapping[str, Estimate | str]:
        """See `Claim.examine`."""
        return {one.name: "not examined yet" for one in self.expectations}

    def draw(self, study: Study, width: float) -> Drawing | None:
        """See `Claim.draw`."""
        return None
