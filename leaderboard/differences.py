"""Differences between rows of one board or two, from scores picture by picture; torch-free."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from peephole.leaderboard.alignment import Condition, Lineup
from peephole.leaderboard.bootstrap import percentile_interval
from peephole.leaderboard.cells import TOLERANCE, Direction, common_level
from peephole.leaderboard.estimate import Resampled, resample_mean
from peephole.leaderboard.parts import Part, counted, headline_parts, metric_parts
from peephole.leaderboard.ranking import DECIMALS
from peephole.leaderboard.resamples import Resamples

EXACT = 12
"""Decimals of a resampled difference; what is smaller is rounding."""
SCORE = "score"
"""What the headline is called among the measures."""


@dataclass(frozen=True, eq=False)
class Differences:
    """K pairs of rows under one measure: the headline or a metric. All arrays are ``[K]``, NaN where there is nothing.

    Attributes:
        measure, direction: which, and whether higher or lower is better.
        one, other, difference: float64, the two rows' means and the first less the second.
        low, high: float64, the 95 % interval of the difference.
        p: float64, of the difference, see `p_values`.
        n_one, n_other: int64, how many pictures the means are over.
        unscaled: the triggers under which the truth itself is not shown to do better than chance by this metric.
    """

    measure: str
    direction: Direction
    one: NDArray[np.float64]
    other: NDArray[np.float64]
    difference: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    p: NDArray[np.float64]
    n_one: NDArray[np.int64]
    n_other: NDArray[np.int64]
    unscaled: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Side:
    """Rows of one board.

    Attributes:
        lineup: the board.
        rows: K of its rows, by their places.
    """

    lineup: Lineup
    rows: Sequence[int]


def same_pictures(one: Lineup, other: Lineup) -> bool:
    """Whether two boards speak of the same poisoned models and pictures, under the triggers that both have.

    The digests of models and data must be known and equal, and chance and best levels agree on every picture of which
    both know them.
    """
    if one is other:
        return True
    for trigger in one.pictures.keys() & other.pictures.keys():
        mine, theirs = one.pictures[trigger], other.pictures[trigger]
        known = all(model.model_digest and model.data_digest for model in mine.models)
        if not known or mine.models != theirs.models or not np.array_equal(mine.selection, theirs.selection):
            return False
    return not any(
        (np.abs(getattr(mine, name) - getattr(theirs, name)) > TOLERANCE).any()
        for mine, theirs in shared_conditions(one, other)
        for name in ("chance", "best")
    )


def shared_conditions(one: Lineup, other: Lineup) -> list[tuple[Condition, Condition]]:
    """The conditions that two boards have both, in the order of the first."""
    found = {(condition.trigger, condition.metric): condition for condition in other.conditions}
    keys = [(condition.trigger, condition.metric) for condition in one.conditions]
    return [(mine, found[key]) for mine, key in zip(one.conditions, keys, strict=True) if key in found]


def paired_differences(one: Side, other: Side, metrics: Iterable[str]) -> list[Differences]:
    """The headline's and each metric's differences where both boards have the same pictures.

    Each pair of rows is compared on the pictures that both have scores of, and both see the same resampled pictures.

    Args:
        one: the first rows of the pairs.
        other: as many second rows, of a board with the `same_pictures`.
        metrics: which; conditions that only one board has are left out.
    """
    size = len(one.rows)
    joined = [_joined(*pair, one.rows, other.rows) for pair in shared_conditions(one.lineup, other.lineup)]
    pictures = {condition.trigger: condition.pictures for condition in joined}
    resamples = Resamples(pictures)
    found = []
    for measure, own, parts in _measures(joined, metrics):
        estimate = resample_mean(parts, 2 * size, resamples)
        first, second = (
            Resampled(estimate.mean[half], estimate.spread[half], estimate.resampled[half])
            for half in (slice(size), slice(size, None))
        )
        n = _count(own)
        found.append(_difference(measure, own, (first, second), (n[:size], n[size:]), _fewest(own)[:size]))
    return found


def unpaired_differences(one: Side, other: Side, metrics: Iterable[str]) -> list[Differences]:
    """The same where the boards have other models or pictures: each side is resampled on its own.

    Only triggers and metrics that both boards have enter, and the headline is made of those that are scaled on both.
    """
    shared = shared_conditions(one.lineup, other.lineup)
    counts = [
        (replace(mine, core=both), replace(theirs, core=both))
        for mine, theirs in shared
        for both in [mine.core and mine.scaled and theirs.scaled]
    ]
    names = list(metrics)
    estimates = []
    for place, side in enumerate((one, other)):
        own = [_chosen(pair[place], side.rows) for pair in counts]
        resamples = Resamples({condition.trigger: condition.pictures for condition in own}, seed=place)
        estimates.append(
            [
                (measure, conditions, resample_mean(parts, len(side.rows), resamples))
                for measure, conditions, parts in _measures(own, names)
            ]
        )
    return [
        _difference(
            measure,
            [*own, *theirs],
            (first, second),
            (_count(own), _count(theirs)),
            np.minimum(_fewest(own), _fewest(theirs)),
        )
        for (measure, own, first), (_, theirs, second) in zip(*estimates, strict=True)
    ]


def p_values(
    difference: NDArray[np.float64], error: NDArray[np.float64], pictures: NDArray[np.int64] | None = None
) -> NDArray[np.float64]:
    """The two-sided p-values of differences with these standard errors.

    Student's t with one degree of freedom less than there are pictures, the bootstrap's error of n pictures being too
    small by sqrt(1 - 1/n): under a normal distribution, two methods that are equal would differ on 5 pictures one time
    in six.

    Args:
        difference: float64 ``[K]``; less than 1e-6 counts as none, with a p-value of 1.
        error: float64 ``[K]``, NaN where it is not known.
        pictures: int64 ``[K]``, at least 2 where the error is known; so many that they do not matter if not given.

    Returns:
        float64 ``[K]``, NaN where the difference or its error is.
    """
    from scipy.special import stdtr  # takes a third of a second to import, which boards are read and made without

    count = np.full(len(difference), np.inf) if pictures is None else np.maximum(pictures, 2).astype(np.float64)
    wider = error / np.sqrt(1 - 1 / count)
    size = np.abs(np.round(difference, DECIMALS))
    ratio = np.divide(size, wider, out=np.where(size > 0, np.inf, 0.0), where=wider > 0)
    p: NDArray[np.float64] = 2 * stdtr(count - 1, -ratio)
    return np.where(np.isnan(difference) | np.isnan(error), np.nan, p)


def _measures(conditions: Sequence[Condition], metrics: Iterable[str]) -> list[tuple[str, list[Condition], list[Part]]]:
    """The headline, if it is made of anything, and those metrics that there are: conditions and parts of each."""
    headline = [condition for own in counted(conditions).values() for condition in own]
    measures = [(SCORE, headline, headline_parts(conditions))] if headline else []
    for metric in metrics:
        own = [condition for condition in conditions if condition.metric == metric]
        if own:
            measures.append((metric, own, metric_parts(own, metric)))
    return measures


def _joined(mine: Condition, theirs: Condition, rows: Sequence[int], other_rows: Sequence[int]) -> Condition:
    """One condition ``[2K,P]`` of the pairs' first rows and then their second ones, on the pictures that both have."""
    values = np.stack([mine.value[list(rows)], theirs.value[list(other_rows)]])
    values = np.where(np.isnan(values).any(axis=0), np.nan, values).reshape(-1, values.shape[2])
    return replace(
        mine,
        value=values,
        valid=np.ones(values.shape, dtype=np.bool_),
        chance=common_level([mine.chance, theirs.chance]),
        best=common_level([mine.best, theirs.best]),
    )


def _chosen(condition: Condition, rows: Sequence[int]) -> Condition:
    return replace(condition, value=condition.value[list(rows)], valid=condition.valid[list(rows)])


def _known(condition: Condition) -> NDArray[np.bool_]:
    """Which reported pictures each row has a score of, ``[R,p]``."""
    return ~np.isnan(condition.value[:, ~condition.pictures.selection])


def _count(conditions: Sequence[Condition]) -> NDArray[np.int64]:
    """How many reported pictures each row ``[R]`` has a score of under any of the conditions."""
    triggers: dict[str, list[NDArray[np.bool_]]] = {}
    for condition in conditions:
        triggers.setdefault(condition.trigger, []).append(_known(condition))
    counts = [np.logical_or.reduce(known).sum(axis=1) for known in triggers.values()]
    count: NDArray[np.int64] = np.sum(counts, axis=0, dtype=np.int64)
    return count


def _fewest(conditions: Sequence[Condition]) -> NDArray[np.int64]:
    """How many of them each row ``[R]`` has under the condition where it has the fewest."""
    fewest: NDArray[np.int64] = np.min([_known(condition).sum(axis=1) for condition in conditions], axis=0)
    return fewest


def _difference(
    measure: str,
    conditions: Sequence[Condition],
    sides: tuple[Resampled, Resampled],
    n: tuple[NDArray[np.int64], NDArray[np.int64]],
    fewest: NDArray[np.int64],
) -> Differences:
    first, second = sides
    difference = first.mean - second.mean
    low, high, error = (np.full(len(difference), np.nan) for _ in range(3))
    spread = first.spread & second.spread
    if spread.any():
        # Of equal rows exactly 0, in whatever order a matrix product adds up.
        resampled = np.round(first.resampled[spread] - second.resampled[spread], EXACT) + 0.0
        low[spread], high[spread] = percentile_interval(resampled)
        error[spread] = resampled.std(axis=1, ddof=1)
    return Differences(
        measure=measure,
        direction="higher" if measure == SCORE else conditions[0].direction,
        one=first.mean,
        other=second.mean,
        difference=difference,
        low=low,
        high=high,
        p=p_values(difference, error, fewest),
        n_one=n[0],
        n_other=n[1],
        unscaled=tuple(sorted({condition.trigger for condition in conditions if not condition.scaled})),
    )
