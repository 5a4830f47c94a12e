"""What the examination of a claim is put together from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from peephole.claims.p1_methods import at_own_layer
from peephole.claims.resampling import Draws, draw
from peephole.claims.study import Study, Values
from peephole.errors import PeepholeError
from peephole.leaderboard.claim_result import Estimate


def answers(parts: Mapping[str, Callable[[], Estimate]]) -> dict[str, Estimate | str]:
    """What each part of a claim measures, or in a sentence why it cannot."""

    def answer(measure: Callable[[], Estimate]) -> Estimate | str:
        try:
            return measure()
        except PeepholeError as error:
            return str(error)

    return {name: answer(measure) for name, measure in parts.items()}


@dataclass(frozen=True, eq=False)
class Scored:
    """Scores of the same methods under several triggers, with weights to resample them.

    Attributes:
        values: by trigger.
        draws: a group a trigger.
    """

    values: Mapping[str, Values]
    draws: Draws

    def means(self) -> NDArray[np.float64]:
        """The means over pictures and models at each layer, and then over triggers: ``[M,L,rows]``."""
        found = [self.draws.means(trigger, values.value) for trigger, values in self.values.items()]
        mean: NDArray[np.float64] = np.mean(found, axis=0)
        return mean

    def own_means(self) -> NDArray[np.float64]:
        """The same of each method at the layer where P1 takes it: ``[M,rows]``."""
        found = [self.draws.means(trigger, at_own_layer(values)) for trigger, values in self.values.items()]
        mean: NDArray[np.float64] = np.mean(found, axis=0)
        return mean

    @property
    def layers(self) -> tuple[str, ...]:
        """In the network's order."""
        return next(iter(self.values.values())).layers

    def estimate(self, statistic: NDArray[np.float64], level: float, triggers: Sequence[str] = ()) -> Estimate:
        """As `Draws.estimate`, and it says under which triggers: all of them, or some."""
        found = self.draws.estimate(statistic, level)
        used = tuple(triggers or self.values)
        count = sum(sum(self.values[trigger].sizes) for trigger in used)
        return replace(found, n=count, of=f"{found.of}, under {', '.join(used)}")


def scored(study: Study, metric: str, methods: Sequence[str], triggers: Sequence[str], key: str) -> Scored:
    """The scores of methods under those of some kinds of triggers of which a model meets its gates.

    Args:
        study: what was measured.
        metric: by which.
        methods: which; pictures are those that all of them have.
        triggers: kinds; what is missing of one is no reason to do without the others.
        key: of the claim, see `peephole.claims.resampling.draw`.

    Raises:
        PeepholeError: there are none under any.
    """
    found: dict[str, Values] = {}
    missing: list[PeepholeError] = []
    for trigger in triggers:
        try:
            found[trigger] = study.values(metric, methods, trigger)
        except PeepholeError as error:
            missing.append(error)
    if not found:
        raise missing[0]
    return Scored(found, draw({trigger: values.sizes for trigger, values in found.items()}, key))
