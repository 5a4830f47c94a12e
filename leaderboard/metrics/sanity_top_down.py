"""Sanity check: does the map change when the network's layers are randomised from the logits down?"""

from __future__ import annotations

from typing import ClassVar

from peephole.leaderboard.base import METRICS, Against
from peephole.leaderboard.randomisation_similarity import RandomisationSimilarity


@METRICS.register
class SanityTopDown(RandomisationSimilarity):
    """Rank correlation of a map with those of the same network, its layers randomised from the logits down.

    Formula: 1/V sum_v |Spearman(R, R_v)|, R the signed map of the trained network and R_v that of the v-th randomised
    one, pixel by pixel, equal pixels (see `ranks`) sharing the mean of their ranks. The V networks have lost the last
    stage, then the last two, and so on to all of them. With several targets, the mean over them. Why the size counts
    and not the sign: see `RandomisationSimilarity`.

    Range: 0 to 1. A map that does not look at the network scores 1. One that has nothing to do with what it was before
    scores little more than 0, see there.

    Chance: 1, what every map scores that does not look at the network, the oracle included.

    Direction: lower is better.

    Invalid: a trained network's map whose R is the same everywhere: it has no order. It scores 1, as a map that does
    not look at the network. A randomised network's map that is the same everywhere counts as correlation 0: what the
    map said is gone.

    Source: Adebayo et al. 2018, section 3.1, cascading randomization.
    """

    title: ClassVar[str] = "Sanity check, top down"
    formula: ClassVar[str] = "mean over randomised networks of |Spearman(R, R of the randomised network)|"
    source: ClassVar[str] = "Adebayo et al., Sanity Checks for Saliency Maps, NeurIPS 2018, arXiv:1810.03292"
    against: ClassVar[Against] = "top_down"
