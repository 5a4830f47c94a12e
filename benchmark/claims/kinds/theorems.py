"""Claim 10: the alignment paper's two theorems, in numbers."""

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
class Theorems(Claim):
    """Its words say what it is."""

    number: ClassVar[int] = 10
    title: ClassVar[str] = "Theorems 1 and 2: one random hidden layer aligns, and aligned relevance aligns more"
    source: ClassVar[str] = "P2 (alignment), theorems 1 and 2"
    statement: ClassVar[str] = (
        "In a network of one hidden layer with isotropic random weights, what a negative filtering rule sends to the "
        "input becomes a multiple of the input as the number of neurons grows (theorem 1). If the neurons' weights are "
        "orthogonal and equally long, relevance that equals the activations aligns more than relevance that is drawn "
        "independently (theorem 2)."
    )
    measured: ClassVar[str] = (
        "The cosine between the signal at the input and a random normal input, in double precision: d inputs, N "
        "neurons with normal or ring weights, relevance of the neurons drawn from a normal distribution, filtered as "
        "Guided Backprop, RectGrad (90 %) and the z⁺-rule filter it. A sufficiently large number of neurons is "
        "N = 256 d with d = 64. For theorem 2, N = d = 256 rows of a random rotation."
    )
    test: ClassVar[str] = (
        "Mean over independent repetitions, with their percentile bootstrap interval; the intervals hold together with "
        "95 % (Bonferroni)."
    )
    # "Approximately the input" is a cosine above 0.95: an angle below 18 degrees. Closed forms have to hold to 0.02.
    expectations: ClassVar[tuple[Expectation, ...]] = (
        Expectation(
            "guided_backprop_recovers",
            "With many neurons Guided Backprop sends back the input.",
            "cosine with the input, N = 256 d (-1 to 1)",
            Criterion("above", 0.95),
        ),
        Expectation(
            "rectgrad_recovers",
            "So does RectGrad.",
            "cosine with the input, N = 256 d (-1 to 1)",
            Criterion("above", 0.95),
        ),
        Expectation(
            "zplus_recovers",
            "So does the z⁺-rule.",
            "cosine with the input, N = 256 d (-1 to 1)",
            Criterion("above", 0.95),
        ),
        Expectation(
            "filtering_helps",
            "Filtering negative relevance aligns more than the plain gradient does.",
            "cosine with the input, N = 256 d, Guided Backprop minus gradient (-2 to 2)",
            Criterion("above", 0.0),
        ),
        Expectation(
            "follows_the_closed_form",
            "With N neurons and d inputs the cosine is 1/√(1 + π²(d − 1)/N), our closed form of theorem 1.",
            "largest distance of a mean cosine of Guided Backprop from it, over all N, d and both kinds of weights",
            Criterion("below", 0.02),
        ),
        Expectation(
            "aligned_relevance_aligns_more",
            "With orthogonal weights, relevance that equals the activations aligns more than one that is drawn.",
            "cosine with the input, aligned minus drawn (-2 to 2)",
            Criterion("above", 0.0),
        ),
        Expectation(
            "by_the_predicted_factor",
            "It does so by the factor that follows for normal relevance and activations, π/√2.",
            "cosine of drawn over cosine of aligned relevance, minus √2/π = 0.450",
            Criterion("within", 0.02),
        ),
        Expectation(
            "nearly_orthogonal_is_enough",
            "Independent normal weights, which are only nearly orthogonal, show the same.",
            "cosine with the input, aligned minus drawn (-2 to 2)",
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
