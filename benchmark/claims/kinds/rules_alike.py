"""Claim 17: without their last step, negative filtering rules draw the same picture."""

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
class RulesAlike(Claim):
    """Its words say what it is."""

    number: ClassVar[int] = 17
    title: ClassVar[str] = "Without their last step, negative filtering rules draw the same picture"
    source: ClassVar[str] = "P2 (alignment), table I and section IV-A, Visual inspection"
    statement: ClassVar[str] = (
        "Guided Backprop, RectGrad, LRP and DTD share what they do on the way back. Without the step that each adds at "
        "the input their maps are much alike, more than each is like the gradient, and with random weights they show "
        "the picture itself."
    )
    measured: ClassVar[str] = (
        "Maps of Guided Backprop, RectGrad, LRP-α1β0, DTD, Input×Gradient and Activation at the input, without their "
        "last step (which leaves the gradient of Input×Gradient): cosines between maps of one picture, and with the "
        "picture as the network gets it. The clean models of the suite and the same networks with random normal "
        "weights, on the same pictures. LRP-α1β0 and DTD differ in their last step only, so that pair is left out. "
        "Where nothing arrives, the cosine counts as 0."
    )
    test: ClassVar[str] = (
        "Means of cosines and paired differences, percentile bootstrap of pictures, clustered by network; the "
        "intervals hold together with 95 % (Bonferroni)."
    )
    # The paper speaks of strong similarity: a cosine above 0.5, an angle below 60 degrees, is the least of that.
    expectations: ClassVar[tuple[Expectation, ...]] = (
        Expectation(
            "alike_trained",
            "With trained weights the rules' maps are much alike.",
            "mean cosine between maps of two of the four rules (-1 to 1)",
            Criterion("above", 0.5),
        ),
        Expectation(
            "alike_random",
            "With random weights, too.",
            "mean cosine between maps of two of the four rules (-1 to 1)",
            Criterion("above", 0.5),
        ),
        Expectation(
            "more_than_gradient_trained",
            "With trained weights they are more alike than they are like the gradient.",
            "mean cosine between two of the four rules minus between each and the gradient (-2 to 2)",
            Criterion("above", 0.0),
        ),
        Expectation(
            "more_than_gradient_random",
            "With random weights, too.",
            "mean cosine between two of the four rules minus between each and the gradient (-2 to 2)",
            Criterion("above", 0.0),
        ),
        Expectation(
            "random_shows_the_picture",
            "With random weights the four rules' maps are more like the picture than with trained ones.",
            "cosine of map and picture, mean of the four rules, random minus trained (-2 to 2)",
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
