"""MoRF: how soon does the decision go when the most relevant pixels are taken out first?"""

from __future__ import annotations

from typing import ClassVar

from pydantic.dataclasses import dataclass
from torch import Tensor

from peephole.leaderboard.base import METRICS, Probes
from peephole.leaderboard.baselines import Baseline
from peephole.leaderboard.curve_shapes import Curve
from peephole.leaderboard.measured import AreaMetric
from peephole.leaderboard.perturbation import changed_curve


@METRICS.register
@dataclass(frozen=True)
class Morf(AreaMetric):
    """Area under the share of changed decisions against the share of pixels taken out, most relevant first.

    Formula: the integral from 0 to 1 of y(s) ds, y(k/P) = 1 if the network no longer decides for the target once the k
    of P pixels with the highest R+ are replaced by the baseline, else 0; y(0) = 0. By the trapezoid rule through
    k = P (i/K)^2, rounded, i = 0 to K, K being the suite's steps of a curve.

    Range: 0 to 1. Only the order of the pixels counts; equal ones (see `ranks`) come in a random order that is drawn
    for each picture.

    Chance: the mean score of eight random maps on the same picture. Best is the score of the truth itself.

    Direction: higher is better.

    Invalid: a map with sum(R+) = 0; the picture scores chance.

    Source: P1, section 4.2 and A.2, after Samek et al. P1 takes pixels out by zeros and does not say how many at a
    time. The curve of many pictures that P1 draws is the mean of theirs, and so is its area. Ours begins with the
    picture as it is and ends with all pixels out, in shares of all pixels, so that the area depends on no step
    size but by how closely the curve is followed.

    Args:
        baseline: what replaces a pixel: ``zero`` as the network gets it, after normalisation, ``black``, or the
            picture's own ``blur`` (see `baselines`).
    """

    title: ClassVar[str] = "MoRF"
    formula: ClassVar[str] = "area under [decision changed] over the share of pixels removed, most relevant first"
    source: ClassVar[str] = (
        "Delve into the layer choice of BP-based attribution explanations, 4.2; Samek et al., Evaluating the "
        "visualization of what a deep neural network has learned, 2016"
    )

    baseline: Baseline = "zero"

    def follow(self, relevance: Tensor, probes: Probes) -> tuple[Curve, Tensor]:
        """The curves of signed maps ``[N,1,H,W]``; see `changed_curve` for what is refused."""
        return changed_curve(relevance, probes, self.baseline)
