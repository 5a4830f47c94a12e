"""What a metric is: maps and the truth about the pictures in, one number a picture out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from peephole.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Probes:
    """The pictures that explanations are scored on, with their truth. T is the trigger's number of targets.

    Attributes:
        image: float32 ``[N,C,H,W]`` in [0,1], stamped: the very tensor that the model sees.
        clean: float32 ``[N,C,H,W]``, the same pictures without the trigger.
        mask: bool ``[N,T,H,W]``, the truth mask of each target.
        exact: bool ``[N,T,H,W]``, the pixels that the mark of each target covers.
        target: int64 ``[N,T]``, the labels to be explained.
    """

    image: Tensor
    clean: Tensor
    mask: Tensor
    exact: Tensor
    target: Tensor


@dataclass(frozen=True)
class Scored:
    """What a metric says of N pictures.

    Attributes:
        value: float64 ``[N]``; an invalid map has its chance level here.
        chance: float64 ``[N]``, the expected value of a map that knows nothing (see the metric's docstring).
        valid: bool ``[N]``, False where the map had nothing to score.
    """

    value: Tensor
    chance: Tensor
    valid: Tensor


class Metric(Protocol):
    """A metric on maps. Its docstring gives formula, range, chance level, direction, invalid cases and source.

    Attributes:
        title: the name for people.
        formula: the formula in one line of plain text.
        direction: which way is better.
        best: the score of the oracle; the headline is scaled so that chance is 0 and this is 1.
        core: whether the metric counts for the headline.
    """

    title: ClassVar[str]
    formula: ClassVar[str]
    source: ClassVar[str]
    direction: ClassVar[Literal["higher", "lower"]]
    best: ClassVar[float]
    core: ClassVar[bool]

    def score(self, relevance: Tensor, probes: Probes) -> Scored:
        """Score signed maps ``[N,T,H,W]``, one channel, at the picture's own resolution."""
        ...


class Calibration(Protocol):
    """A map that is known beforehand, from the truth or from nothing at all."""

    title: ClassVar[str]

    def maps(self, probes: Probes, seed: int) -> Tensor:
        """The float32 map ``[N,T,H,W]`` of each probe and target."""
        ...


METRICS: Registry[type[Metric]] = Registry("metric", "peephole.leaderboard.metrics", "peephole.metrics")
CALIBRATION: Registry[type[Calibration]] = Registry("calibration row", "peephole.leaderboard.calibration")
