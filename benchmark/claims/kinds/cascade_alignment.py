"""Claim 5: the more layers filter negative relevance, the more the map is the picture."""

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
class CascadeAlignment(Claim):
    """Its words say what it is."""

    number: ClassVar[int] = 5
    title: ClassVar[str] = "Cascades of negative filtering align the map with the picture"
    source: ClassVar[str] = "P2 (alignment), figure 2a and section IV-A, Cascade alignment"
    statement: ClassVar[str] = (
        "The more layers, counted from the top, use a rule that filters negative relevance instead of the gradient, "
        "the more alike are map and picture. Sending activations back aligns better than every such rule, and random "
        "weights align better than trained ones."
    )
    measured: ClassVar[str] = (
        "The cosine between what arrives at the input and the picture as the network gets it, for Guided Backprop, "
        "RectGrad, the z⁺-rule (without the last multiplication by the input) and Activation in place of the gradient "
        "at the top N layers, N from 0 to all. On the clean models of the suite, on the same networks with random "
        "normal weights and no biases, on the same test pictures, and on VGG16 with such weights. Where nothing "
        "arrives, the cosine counts as 0."
    )
    test: ClassVar[str] = (
        "Spearman's correlation of the mean cosine with N, of the rule for which it is smallest; differences of mean "
        "cosines over N = 1 to all, or at full depth. Percentile bootstrap of pictures, clustered by network, paired "
        "where the pictures are the same; the intervals hold together with 95 % (Bonferroni)."
    )
    # What is said of all rules has to hold for the one that does worst, so the smallest effect is tested.
    expectations: ClassVar[tuple[Expectation, ...]] = (
        Expectation(
            "grows_trained",
            "With trained weights the cosine grows with the number of layers whose rule is replaced.",
            "Spearman's correlation of the mean cosine with N, smallest of the four rules (-1 to 1)",
            Criterion("above", 0.3),
        ),
        Expectation(
            "grows_random",
            "With random weights it grows, too.",
            "Spearman's correlation of the mean cosine with N, smallest of the four rules (-1 to 1)",
            Criterion("above", 0.3),
        ),
        Expectation(
            "grows_deep",
            "It grows in VGG16 with random weights.",
            "Spearman's correlation of the mean cosine with N, smallest of the four rules (-1 to 1)",
            Criterion("above", 0.3),
        ),
        Expectation(
            "activation_first_trained",
            "With trained weights Activation aligns better than each of the three rules.",
            "mean cosine over N = 1 to all, Activation minus the best rule (-2 to 2)",
            Criterion("above", 0.0),
        ),
        Expectation(
            "activation_first_random",
            "With random weights, too.",
            "mean cosine over N = 1 to all, Activation minus the best rule (-2 to 2)",
            Criterion("above", 0.0),
        ),
        Expectation(
            "random_aligns_better",
            "Random weights align the map better with the picture than trained ones.",
            "cosine at full depth, mean of the four rules, random minus trained (-2 to 2)",
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
