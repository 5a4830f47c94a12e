"""MoRF minus LeRF: do the relevant pixels carry the decision, and the others not?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import and_
from typing import ClassVar

from peephole.leaderboard.base import METRICS, DerivedMetric, Scored


@METRICS.register
class MorfMinusLerf(DerivedMetric):
    """The area between the curves of both orders: `Morf` minus `Lerf` of the same map.

    Formula: MoRF - LeRF, both with the baseline ``zero``.

    Range: -1 to 1. A network that loses its decision after few pixels, whichever they are, raises both areas alike and
    leaves the difference.

    Chance: the difference of the parts' chance levels; about 0, as a random order reversed is as random. Best is the
    difference of theirs, the truth's own score.

    Direction: higher is better.

    Invalid: a map with sum(R+) = 0; the picture scores chance.

    Source: P1, section 4.2, gives the two areas as the two axes of a plane (Figures 5 and 6); their difference is that
    of Bluecher, Vielhaben and Strodthoff, 2024.
    """

    title: ClassVar[str] = "MoRF minus LeRF"
    formula: ClassVar[str] = "MoRF - LeRF"
    source: ClassVar[str] = (
        "Delve into the layer choice of BP-based attribution explanations, 4.2; Bluecher, Vielhaben, Strodthoff, "
        "Decoupling pixel flipping and occlusion strategy for consistent XAI benchmarks, 2024"
    )
    core: ClassVar[bool] = True
    parts: ClassVar[tuple[str, ...]] = ("morf", "lerf")

    def combine(self, parts: Sequence[Scored]) -> Scored:
        """Subtract the second from the first."""
        morf, lerf = parts
        chance, valid = morf.chance - lerf.chance, morf.valid & lerf.valid
        value = (morf.value - lerf.value).where(valid, chance)
        best = None if morf.best is None or lerf.best is None else morf.best - lerf.best
        scored = [part.scored for part in parts if part.scored is not None]
        return Scored(value, chance, valid, best, reduce(and_, scored) if scored else None)
