"""Claim 6: random neurons are orthogonal and of one length, trained ones less so."""

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
class NeuronWeights(Claim):
    """Its words say what it is."""

    number: ClassVar[int] = 6
    title: ClassVar[str] = "Weights of random neurons are orthogonal and of one length, those of trained ones less so"
    source: ClassVar[str] = "P2 (alignment), figures 2b and 2c and section IV-A, Orthogonality and norm equality"
    statement: ClassVar[str] = (
        "The conditions of the paper's theorem 2, neurons of a layer whose weights are orthogonal and equally long, "
        "nearly hold where weights are random. In trained networks the neurons' weights are more alike, and their "
        "lengths differ more."
    )
    measured: ClassVar[str] = (
        "For every convolution and linear layer: the absolute cosine between the weight vectors of two neurons, mean "
        "over all pairs, and the coefficient of variation of the vectors' lengths. Batch normalisation is folded into "
        "the weights, since the signal passes through both. The clean models of the suite, and the same networks "
        "with random normal weights."
    )
    test: ClassVar[str] = (
        "Means over layers, and paired differences between trained and random weights, with percentile bootstrap of "
        "layers, clustered by network; the intervals hold together with 95 % (Bonferroni)."
    )
    # Independent isotropic vectors have a mean |cosine| of √(2/(π d)), normal ones lengths that vary by
    # √(1/(2 d)): below 0.1 from d = 64 and d = 50 on, so 0.1 is what "nearly" can mean in a small network, too.
    expectations: ClassVar[tuple[Expectation, ...]] = (
        Expectation(
            "orthogonal_random",
            "Random neurons are nearly orthogonal.",
            "mean |cosine| of two neurons' weights, random weights, mean over layers (0 to 1)",
            Criterion("below", 0.1),
        ),
        Expectation(
            "equal_random",
            "Random neurons have weights of nearly the same length.",
            "standard deviation of the lengths over their mean, random weights, mean over layers (0 up)",
            Criterion("below", 0.1),
        ),
        Expectation(
            "more_alike_trained",
            "Trained neurons are less orthogonal than random ones.",
            "mean |cosine| of two neurons' weights, mean over layers, trained minus random (-1 to 1)",
            Criterion("above", 0.0),
        ),
        Expectation(
            "more_varied_trained",
            "The lengths of trained neurons' weights differ more than those of random ones.",
            "standard deviation of the lengths over their mean, mean over layers, trained minus random",
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
