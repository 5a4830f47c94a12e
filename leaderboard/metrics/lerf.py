"""LeRF: how long does the decision stay when the least relevant pixels are taken out first?"""

from __future__ import annotations

from typing import ClassVar

from pydantic.dataclasses import dataclass
from torch import Tensor

from peephole.leaderboard.base import METRICS, Direction, Probes
from peephole.leaderboard.baselines import Baseline
from peephole.leaderboard.curve_shapes import Curve
from peephole.leaderboard.measured import AreaMetric
from peephole.leaderboard.perturbation import changed_curve


@METRICS.register
@dataclass(frozen=True)
class Lerf(AreaMetric):
    """Area under the share of changed decisions against the share of pixels taken out, least relevant first.

    Formula: as for `Morf`, in the opposite order: y(k/P) = 1 if the network no longer decides for the target once the k
    of P pixels with the lowest R+ are replaced. By the trapezoid rule through k = P - P (i/K)^2, rounded: closest
    together at the end, where the most relevant pixels go.

    Range: 0 to 1. Only the order of the pixels counts; equal ones, such as all without positive relevance, come in a
    random order that is drawn for each picture.

    Chance: the mean score of eight random maps on the same picture. Best is the score of the truth itself.

    Direction: lower is better.

    Invalid: a map with sum(R+) = 0; the picture scores chance.

    Source: P1, section 4.2 and A.2, after Samek et al.; see `Morf`.

    Args:
        baseline: what replaces a pixel: ``zero`` as the network gets it, after normalisation, ``black``, or the
            picture's own ``blur`` (see `baselines`).
    """

    title: ClassVar[str] = "LeRF"
    formula: ClassVar[str] = "area under [decision changed] over the share of pixels removed, least relevant first"
    source: ClassVar[str] = (
        "Delve into the layer choice of BP-based attribution explanations, 4.2; Samek et al., Evaluating the "
        "visualization of what a deep neural network has learned, 2016"
    )
    direction: ClassVar[Direction] = "lower"
    best: ClassVar[float] = 0.0

    baseline: Baseline = "zero"

    def follow(self, relevance: Tensor, probes: Probes) -> tuple[Curve, Tensor]:
        """The curves of signed maps ``[N,1,H,W]``; see `changed_curve` for what is refused."""
        return changed_curve(relevance, probes, self.baseline, least_first=True)
