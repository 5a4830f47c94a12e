"""Truth Spearman: does the map rank pixels as the trigger changes them?"""

from __future__ import annotations

from typing import ClassVar, Literal

from torch import Tensor

from peephole.errors import PeepholeError
from peephole.leaderboard.base import METRICS, Probes, Scored
from peephole.leaderboard.per_picture import per_picture
from peephole.leaderboard.ranks import ascending, shared_ranks
from peephole.leaderboard.relevance import positive, require_shape


@METRICS.register
class TruthSpearman:
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
    direction: ClassVar[Literal["higher", "lower"]] = "higher"
    best: ClassVar[float] = 1.0
    core: ClassVar[bool] = True
    truth: ClassVar[Literal["mask", "soft"]] = "soft"

    def score(self, relevance: Tensor, probes: Probes) -> Scored:
        """Score signed maps ``[N,T,H,W]``.

        Raises:
            PeepholeError: there is no soft truth, shapes differ, a map is not finite, or a truth is even.
        """
        require_shape(relevance, probes.soft_ranks)
        truth = probes.soft_ranks.to(relevance.device).flatten(2)
        mean = (truth.shape[2] + 1) / 2
        truth_spread = (truth - mean).square().sum(dim=2)
        if bool((truth_spread == 0).any()):
            raise PeepholeError(
                "a soft truth is the same everywhere, expected an order of pixels; leave the picture out"
            )
        order, first = ascending(positive(relevance))
        ranks = shared_ranks(first) - mean
        together = (ranks * (truth.gather(2, order) - mean)).sum(dim=2)
        spread = ranks.square().sum(dim=2)
        valid = spread > 0
        value = (together / (spread * truth_spread).sqrt().where(valid, 1.0)).clamp(-1, 1)
        return per_picture(value, value.new_zeros(value.shape), valid)
