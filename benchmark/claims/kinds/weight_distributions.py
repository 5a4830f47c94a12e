"""Claim 7: random weights align the map if they are isotropic, normal or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from peephole.claims.base import CLAIMS, Claim
from peephole.leaderboard.claim_result import Estimate, Expectation
from peephole.leaderboard.verdict import Criterion

if TYPE_CHECKING:
    from peephole.claims.study import Study
    from peephole.figures.base import Drawing
    from peephole.units.base import Unit


@CLAIMS.register
class WeightDistributions(Claim):
    """Its words say what it is."""

    number: ClassVar[int] = 7
    title: ClassVar[str] = "Isotropic random weights align the map, normal or not; others less"
    source: ClassVar[str] = "P2 (alignment), figures 3 and 4 and section IV-B, GBP as partial input recovery"
    statement: ClassVar[str] = (
        "How well maps of a random network align with the picture depends on the isotropy of the weights and not on "
        "their being normal: weights on a ring (all neurons of one length, in all directions alike) align as normal "
        "ones do, and both do better than weights that are uniform entry by entry."
    )
    measured: ClassVar[str] = (
        "The cosine between what arrives at the input and the picture as the network gets it, with weights that are "
        "normal, on a ring, or uniform on [-1,1] entry by entry, brought to the same variance (without biases neither "
        "the decision nor a cosine depends on the scale). At full depth, mean of Guided Backprop, RectGrad and the "
        "z⁺-rule (without the last multiplication by the input). The suite's network and VGG16, the same pictures for "
        "all distributions; the draws are coupled: all three are functions of the same normal numbers. Where nothing "
        "arrives, the cosine counts as 0."
    )
    test: ClassVar[str] = (
        "Paired differences of mean cosines at full depth, percentile bootstrap of pictures, clustered by network; the "
        "intervals hold together with 95 % (Bonferroni)."
    )
    # 0.05 of cosine is what nobody would see in a map, or in the paper's figure 4.
    expectations: ClassVar[tuple[Expectation, ...]] = (
        Expectation(
            "ring_as_normal",
            "In the suite's network a ring aligns as well as normal weights.",
            "cosine at full depth, ring minus normal (-2 to 2)",
            Criterion("within", 0.05),
        ),
        Expectation(
            "ring_as_normal_deep",
            "In VGG16, too.",
            "cosine at full depth, ring minus normal (-2 to 2)",
            Criterion("within", 0.05),
        ),
        Expectation(
            "uniform_worse",
            "In the suite's network uniform weights align less than normal ones and those on a ring.",
            "cosine at full depth, the lower of normal and ring minus uniform (-2 to 2)",
            Criterion("above", 0.0),
        ),
        Expectation(
            "uniform_worse_deep",
            "In VGG16, too.",
            "cosine at full depth, the lower of normal and ring minus uniform (-2 to 2)",
            Criterion("above", 0.0),
        ),
    )

    def units(self, study: Study) -> Sequence[Unit]:
        """Not built yet."""
        return ()

    def examine(self, study: Study) -> Mapping[str, Estimate | str]:
        """Not built yet."""
        return dict.fromkeys((one.name for one in self.expectations), "this is not measured yet")

    def draw(self, study: Study, width: float) -> Drawing | None:
        """Not built yet."""
        return None
