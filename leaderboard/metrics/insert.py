"""Insert: how soon does the attack succeed when the trigger is put in where the map points?"""

from __future__ import annotations

from typing import ClassVar

from pydantic.dataclasses import dataclass
from torch import Tensor

from peephole.leaderboard.base import METRICS, Probes
from peephole.leaderboard.counterfactual import target_curve
from peephole.leaderboard.curve_shapes import Curve
from peephole.leaderboard.measured import AreaMetric


@METRICS.register
@dataclass(frozen=True)
class Insert(AreaMetric):
    """Area under the attack's success against the share of pixels of the stamped picture put into the clean one.

    Formula: 1/P sum over k = 0 to P - 1 of y(k), y(k) = 1 if the network decides for the target on the clean picture of
    which the k of P pixels with the highest R+ have the stamped picture's values, else 0. Measured as `Restore` is.

    Range: 0 to 1; 0 if the attack fails throughout. Only the order of the pixels counts; equal ones (see `ranks`) come
    in a random order that is drawn for each picture.

    Chance: the mean score of eight random maps on the same picture. Where the attack needs h of the trigger's m pixels,
    that is expected to be 1 - h (P + 1) / (m + 1) / P, and a map that is highest on the trigger scores (P - h) / P.
    Best is the score of the truth itself; a map that finds the pixels on which the network relies can be better.

    Direction: higher is better.

    Invalid: a map with sum(R+) = 0; the picture scores chance.

    Source: ours.
    """

    title: ClassVar[str] = "Counterfactual insert"
    formula: ClassVar[str] = "area under [decision = target] over the share of pixels stamped, most relevant first"
    source: ClassVar[str] = "Peephole"

    def follow(self, relevance: Tensor, probes: Probes) -> tuple[Curve, Tensor]:
        """The curves of signed maps ``[N,1,H,W]``; see `target_curve` for what is refused."""
        return target_curve(relevance, probes, undo=False)
