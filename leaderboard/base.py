"""What a metric is: maps and the truth about the pictures in, one number a picture out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from peephole.errors import PeepholeError
from peephole.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Probes:
    """The pictures that explanations are scored on, with their truth. T is the trigger's number of targets.

    Where a trigger changes pixels by degrees and everywhere, there is no mask but a soft truth; there may be both.

    Attributes:
        image: float32 ``[N,C,H,W]`` in [0,1], stamped: the very tensor that the model sees.
        clean: float32 ``[N,C,H,W]``, the same pictures without the trigger.
        mask: bool ``[N,T,H,W]``, the truth mask of each target, or None.
        exact: bool ``[N,T,H,W]``, the pixels that the mark of each target covers, or None.
        target: int64 ``[N,T]``, the labels to be explained.
        soft: float32 ``[N,T,H,W]`` in [0,1], how far the mark of each target changes each pixel, or None.

    Raises:
        PeepholeError: there is neither a mask nor a soft truth.
    """

    image: Tensor
    clean: Tensor
    mask: Tensor | None
    exact: Tensor | None
    target: Tensor
    soft: Tensor | None = None

    def __post_init__(self) -> None:
        if self.mask is None and self.soft is None:
            raise PeepholeError("probes have no truth, expected a mask or a soft truth; let the trigger give one")

    @property
    def truth(self) -> Tensor:
        """The truth as numbers, float32 ``[N,T,H,W]`` in [0,1]: the mask if there is one, else the soft truth."""
        truth = self.soft if self.mask is None else self.mask.float()
        assert truth is not None  # as was checked at the beginning
        return truth

    @cached_property
    def inside(self) -> Tensor:
        """The mask as numbers, float64 ``[N,T,H,W]``, made once for all maps that are scored with it.

        Raises:
            PeepholeError: there is no mask.
        """
        if self.mask is None:
            raise PeepholeError(
                "the probes have a soft truth only, the metric expects a truth mask; score them by truth_spearman"
            )
        return self.mask.double()

    @cached_property
    def soft_ranks(self) -> Tensor:
        """The `average_ranks` of the soft truth, float64 ``[N,T,H,W]``, made once for all maps.

        Raises:
            PeepholeError: there is no soft truth.
        """
        from peephole.leaderboard.ranks import average_ranks

        if self.soft is None:
            raise PeepholeError(
                "the probes have a truth mask only, the metric expects a soft truth; score them by truth_auprc"
            )
        return average_ranks(self.soft.double())


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
        truth: what it compares maps with; it refuses probes that lack this.
    """

    title: ClassVar[str]
    formula: ClassVar[str]
    source: ClassVar[str]
    direction: ClassVar[Literal["higher", "lower"]]
    best: ClassVar[float]
    core: ClassVar[bool]
    truth: ClassVar[Literal["mask", "soft"]]

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
