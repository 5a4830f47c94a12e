"""What a score is made of: conditions and their weights; torch-free."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from peephole.leaderboard.alignment import Condition

HEADLINE = (
    "score = mean over triggers of mean over the trigger's core metrics of mean over seeds of mean over pictures of "
    "(value - chance) / mean(best - chance)"
)


@dataclass(frozen=True, eq=False)
class Part:
    """One condition of a mean.

    Attributes:
        trigger: whose pictures.
        scores: float64 ``[R,P]`` over all of them, NaN where a row has no score.
        weight: how much the condition counts; the weights of a mean sum to 1.
    """

    trigger: str
    scores: NDArray[np.float64]
    weight: float


def counted(conditions: Iterable[Condition]) -> dict[str, list[Condition]]:
    """The conditions that the headline is made of, by trigger: of core metrics, where the truth beats chance."""
    found: dict[str, list[Condition]] = {}
    for condition in conditions:
        if condition.core and condition.scaled:
            found.setdefault(condition.trigger, []).append(condition)
    return dict(sorted(found.items()))


def headline_parts(conditions: Iterable[Condition]) -> list[Part]:
    """The parts of `HEADLINE`: triggers weigh the same however many core metrics each has."""
    triggers = counted(conditions)
    return [
        Part(trigger, condition.corrected, 1 / (len(triggers) * len(own)))
        for trigger, own in triggers.items()
        for condition in own
    ]


def metric_parts(conditions: Iterable[Condition], metric: str) -> list[Part]:
    """The parts of a metric's own column: the mean over its triggers, not corrected."""
    own = [condition for condition in conditions if condition.metric == metric]
    return [Part(condition.trigger, condition.value, 1 / len(own)) for condition in own]


def score_text(conditions: Sequence[Condition]) -> str:
    """What the headline is made of, in words: ``"badnet: restore, truth_auprc; square: completeness"``."""
    return "; ".join(
        f"{trigger}: {', '.join(condition.metric for condition in own)}" for trigger, own in counted(conditions).items()
    )
