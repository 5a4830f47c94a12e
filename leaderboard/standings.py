"""Who stands where under some conditions: scores, ranks, ties and the means of metrics; torch-free."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from peephole.leaderboard.alignment import Lineup
from peephole.leaderboard.best_layers import best_layers
from peephole.leaderboard.estimate import Estimate, estimate_mean
from peephole.leaderboard.pairing import shared_p_values
from peephole.leaderboard.parts import headline_parts, metric_parts
from peephole.leaderboard.ranking import competition_ranks, rank_intervals, rank_text, tie_groups
from peephole.leaderboard.resamples import Resamples


def standings(lineup: Lineup, metrics: Iterable[str], seed: int = 0) -> dict[str, object]:
    """The first columns of a board, each over all rows ``[R]`` of ``lineup``, in its order.

    Method, kind, layer; best_layer; score, score_lo, score_hi; rank, rank_interval, tie_group; for each metric its
    mean and ``<metric>_lo``, ``<metric>_hi``. What they mean is said by `peephole.leaderboard.board.board`, which gives
    them for all triggers.

    Args:
        lineup: all rows; its conditions may be those of some triggers only.
        metrics: which to give; one without conditions is NaN.
        seed: the seed of the resamples.
    """
    resamples = Resamples(lineup.pictures, seed)
    parts = headline_parts(lineup.conditions)
    headline = estimate_mean(parts, len(lineup.rows), resamples)
    columns: dict[str, object] = {
        "method": [method for method, _, _ in lineup.rows],
        "kind": [kind for _, kind, _ in lineup.rows],
        "layer": [layer for _, _, layer in lineup.rows],
        "best_layer": best_layers(lineup),
        "score": headline.mean,
        "score_lo": headline.low,
        "score_hi": headline.high,
        **_rank_columns(headline, shared_p_values(parts, headline, resamples) if parts else np.empty((0, 0))),
    }
    for metric in metrics:
        estimate = estimate_mean(metric_parts(lineup.conditions, metric), len(lineup.rows), resamples)
        columns |= {metric: estimate.mean, f"{metric}_lo": estimate.low, f"{metric}_hi": estimate.high}
    return columns


def _rank_columns(headline: Estimate, p: NDArray[np.float64]) -> dict[str, object]:
    rows = len(headline.mean)
    ranked = ~np.isnan(headline.mean)
    score, resampled = headline.mean[ranked], headline.resampled[ranked]
    if len(score) == 0 or not headline.spread[ranked].all():
        best, worst = np.ones(len(score), dtype=np.int64), np.full(len(score), len(score))
        groups = np.ones(len(score), dtype=np.int64)
    else:
        best, worst = rank_intervals(score, resampled)
        groups = tie_groups(score, p[np.ix_(ranked, ranked)])
    rank, tie = (pd.array([pd.NA] * rows, dtype="Int64") for _ in range(2))
    rank[ranked], tie[ranked] = competition_ranks(score), groups
    text = np.full(rows, "", dtype=object)
    text[ranked] = [rank_text(int(low), int(high)) for low, high in zip(best, worst, strict=True)]
    return {"rank": rank, "rank_interval": text, "tie_group": tie}


def count_columns(lineup: Lineup) -> dict[str, NDArray[np.int64]]:
    """The columns n, n_valid and n_invalid of a board, int64 ``[R]``: reported pictures of all models of ``lineup``."""
    n, n_invalid = (np.zeros(len(lineup.rows), dtype=np.int64) for _ in range(2))
    for trigger, pictures in lineup.pictures.items():
        conditions = [condition for condition in lineup.conditions if condition.trigger == trigger]
        scored = np.any([~np.isnan(condition.value) for condition in conditions], axis=0)
        invalid = np.any([~condition.valid for condition in conditions], axis=0)
        n += scored[:, ~pictures.selection].sum(axis=1)
        n_invalid += invalid[:, ~pictures.selection].sum(axis=1)
    return {"n": n, "n_valid": n - n_invalid, "n_invalid": n_invalid}
