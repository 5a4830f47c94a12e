"""Twin difference: does the map point at the trigger because the network looks at it, or in any case?"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from peephole.errors import PeepholeError
from peephole.leaderboard.base import METRICS, Against, ComparisonMetric, MapMetric, Probes, Scored
from peephole.leaderboard.metrics.truth_auprc import TruthAuprc
from peephole.leaderboard.metrics.truth_spearman import TruthSpearman


@METRICS.register
class TwinDifference(ComparisonMetric):
    """Truth score on the poisoned network minus that on its clean twin, for the same stamped pictures and targets.

    Both networks see the trigger, and only one of them has learnt to look at it. A map that finds the trigger on both
    follows the picture (a conspicuous patch has strong edges) and not the network.

    Formula: s(R) - s(R'), R' the map that the same method makes of the clean twin, and s the score against the truth,
    corrected for chance picture by picture: (value - chance) / (1 - chance). The value is that of `truth_auprc` where
    there is a mask, and that of `truth_spearman` where there is only a soft truth. With several targets, value and
    chance are the means over them, as in those metrics.

    Range: with a mask, from -1 / (1 - c) to 1 / (1 - c) for a chance level of c, without, -2 to 2. 1 is the best that
    pointing at the trigger can bring: all of it on the poisoned network and chance on the twin. More than 1 takes a map
    that avoids the trigger on the twin. The oracle, as any map that does not ask the network, is the same on both and
    scores 0, exactly: it is no explanation.

    Chance: 0, exactly, for a map that does not look at the network, and in the mean for two maps of i.i.d. pixels.

    Direction: higher is better.

    Invalid: a picture whose map of the poisoned network is invalid for the truth score; it scores 0. An invalid map of
    the twin has its chance level, since to find nothing where there is nothing is right.

    Source: ours.
    """

    title: ClassVar[str] = "Twin difference"
    formula: ClassVar[str] = "s(R) - s(R of the clean twin), s = (truth score - chance) / (1 - chance)"
    source: ClassVar[str] = "Peephole"
    against: ClassVar[Against] = "twin"

    def compare(self, relevance: Tensor, others: Tensor, probes: Probes) -> Scored:
        """Score signed maps ``[N,T,H,W]`` beside those of the twin, ``[1,N,T,H,W]``.

        Raises:
            PeepholeError: not one other network, or maps and truths that do not fit (see the truth score's metric).
        """
        if others.dim() != 5 or len(others) != 1:
            raise PeepholeError(
                f"the twin's maps are {list(others.shape)}, expected [1,N,T,H,W]; give the maps of one clean twin"
            )
        metric: MapMetric = TruthSpearman() if probes.mask is None else TruthAuprc()
        here, there = (metric.score(maps, probes) for maps in (relevance, others[0]))
        value = (_corrected(here) - _corrected(there)).where(here.valid, 0.0)
        return Scored(value, value.new_zeros(value.shape), here.valid)


def _corrected(scored: Scored) -> Tensor:
    """0 at chance, where an invalid map is too, and 1 for the truth."""
    return (scored.value - scored.chance) / (1 - scored.chance)
