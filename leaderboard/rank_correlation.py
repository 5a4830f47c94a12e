"""Spearman's rank correlation of maps with ranks that are known already."""

from __future__ import annotations

from torch import Tensor

from peephole.leaderboard.ranks import ascending, shared_ranks


def rank_correlation(values: Tensor, ranks: Tensor) -> tuple[Tensor, Tensor]:
    """The Pearson correlation of each map's ranks with the given ones; ties share the mean of their ranks.

    Args:
        values: float64 ``[N,T,H,W]``, finite, of any sign; what ties is said in `peephole.leaderboard.ranks`.
        ranks: float64 ``[N,T,H,W]``, as `average_ranks` gives them.

    Returns:
        ``(correlation, ordered)``, float64 in [-1,1] and bool, ``[N,T]`` each. Where all pixels of a map tie, or all
        given ranks do, there is no order to compare: the correlation is 0 and ``ordered`` False.
    """
    order, first = ascending(values)
    mean = (order.shape[2] + 1) / 2
    given = ranks.flatten(2) - mean
    own = shared_ranks(first) - mean
    together = (own * given.gather(2, order)).sum(dim=2)
    spread = own.square().sum(dim=2) * given.square().sum(dim=2)
    ordered = spread > 0
    return (together / spread.sqrt().where(ordered, 1.0)).clamp(-1, 1), ordered
