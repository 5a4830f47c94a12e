"""Truth Spearman: does the map rank pixels as the trigger changes them?"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from peephole.errors import PeepholeError
from peephole.leaderboard.base import METRICS, MapMetric, Probes, Scored, Truth
from peephole.leaderboard.per_picture import per_picture
from peephole.leaderboard.rank_correlation import rank_correlation
from peephole.leaderboard.relevance import positive, require_shape


@METRICS.register
class TruthSpearman(MapMetric):
    """Rank correlation of the map with a truth that has no edge, such as how far a warp moves each pixel.

    Formula: the Pearson correlation of rank(R+) with rank(soft truth), equal pixels (see `ranks`) sharing the mean of
    their ranks. With several targets, the mean over them.

    Range: -1 to 1. The oracle, R = the soft truth, or any map that is in the same order, scores 1, the opposite order
    -1. Only the order of the pixels counts.

    Chance: 0, the exact expected score of a map of i.i.d. pixels: all orders of its ranks being equally likely, each
    pixel's expected rank is the mean rank, whatever the truth.

    Direction: higher is better.

    Invalid: a map whose R+ is the same everywhere, zero or not: it has no order; the picture scores 0.

    Source: ours; Spearman's coefficient for ties, as in SciPy's `spearmanr`.
    """

    title: ClassVar[str] = "Truth Spearman"
    formula: ClassVar[str] = "Pearson correlation of rank(R+) and rank(soft truth), ties sharing their mean rank"
    source: ClassVar[str] = "Peephole; Spearman, The proof and measurement of association between two things, 1904"
    truth: ClassVar[Truth] = "soft"

    def score(self, relevance: Tensor, probes: Probes) -> Scored:
        """Score signed maps ``[N,T,H,W]``.

        Raises:
            PeepholeError: there is no soft truth, shapes differ, a map is not finite, or a truth is even.
        """
        require_shape(relevance, probes.soft_ranks)
        truth = probes.soft_ranks.to(relevance.device)
        if bool((truth == truth[..., :1, :1]).all(dim=(2, 3)).any()):
            raise PeepholeError(
                "a soft truth is the same everywhere, expected an order of pixels; leave the picture out"
            )
        value, valid = rank_correlation(positive(relevance), truth)
        return per_picture(value, value.new_zeros(value.shape), valid)
