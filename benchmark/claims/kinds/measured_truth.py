"""Claim 14: whether P1's conclusions outlast the question which parts of a trigger the network uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from peephole.claims.base import CLAIMS, Claim
from peephole.claims.p1_methods import BASELINES, FUSED, LAYERED
from peephole.leaderboard.claim_result import Estimate, Expectation
from peephole.leaderboard.verdict import Criterion

if TYPE_CHECKING:
    from peephole.claims.study import Study
    from peephole.figures.base import Drawing
    from peephole.units.base import Unit

TREND = 0.3
"""Of Spearman's ρ, as in claim 1, whose trends these are."""
AGREEMENT = 0.5
"""Of Kendall's τ: three pairs of methods of four keep their order."""
LEAST = 0.05
"""Of the attack's success that some part must cost: where none does, parts stand in for each other, and what is
measured is noise."""
CONDITIONS = {"class_sensitivity": "class_pair", "fine_grained": "x", "completeness": "square"}
"""The trigger of each metric."""
MEAN_RHO = "Spearman's ρ of the score with the layer's place from the input, mean over the five methods (-1 to 1)"
TAU = "Kendall's τ of the methods' mean scores by the stamped and by the measured truth (-1 to 1)"


@CLAIMS.register
class MeasuredTruth(Claim):
    """Claims 1 and 3 once more, each pixel of the truth weighing what the attack loses without its part of the mark."""

    number: ClassVar[int] = 14
    title: ClassVar[str] = "P1's trends and order by the measured truth"
    source: ClassVar[str] = "ours; P1 takes the whole trigger for the reason of the decision"
    statement: ClassVar[str] = (
        "What P1 concludes with the stamped trigger as truth stays true with the parts of the trigger that the network "
        "needs: the trends along the layers, and the order of methods."
    )
    measured: ClassVar[str] = (
        "P1's three metrics with weights from 0 to 1 in the place of masks: what the attack's success loses when the "
        "cell of the mark that is nearest to a pixel is restored (mean over the test pictures of the certificate), "
        "over the "
        f"largest such loss. Models of which no cell costs {LEAST:.0%} are left out. Layers and methods as in claims 1 "
        "and 3."
    )
    test: ClassVar[str] = (
        "Rank correlations of curves with the layer's place, and Kendall's τ-b between the methods' mean scores by "
        "either truth on the same pictures. Bootstrap over models and pictures, 4000 resamples; all intervals together "
        "hold with 95 %. The measured losses count as known."
    )
    expectations: ClassVar[tuple[Expectation, ...]] = (
        Expectation(
            "class_flat", "Class sensitivity still has no trend along the layers.", MEAN_RHO, Criterion("within", TREND)
        ),
        Expectation(
            "fine_falls",
            "Maps of higher layers still stay less well on a thin trigger.",
            MEAN_RHO,
            Criterion("below", -TREND),
        ),
        Expectation(
            "complete_rises",
            "Maps of higher layers still fill what matters of the trigger better.",
            MEAN_RHO,
            Criterion("above", TREND),
        ),
        Expectation(
            "class_order", "Methods keep their order in class sensitivity.", TAU, Criterion("above", AGREEMENT)
        ),
        Expectation(
            "fine_order", "Methods keep their order in fine-grained localization.", TAU, Criterion("above", AGREEMENT)
        ),
        Expectation("complete_order", "Methods keep their order in completeness.", TAU, Criterion("above", AGREEMENT)),
    )
    methods: ClassVar[tuple[str, ...]] = tuple(dict.fromkeys((*BASELINES, *FUSED, *LAYERED)))

    def units(self, study: Study) -> Sequence[Unit]:
        """One a poisoned model, made of its maps."""
        return []

    def examine(self, study: Study) -> Mapping[str, Estimate | str]:
        """See `Claim`."""
        raise NotImplementedError

    def draw(self, study: Study, width: float) -> Drawing | None:
        """See `Claim`."""
        raise NotImplementedError
