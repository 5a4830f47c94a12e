"""What a metric is: maps and the truth about the pictures in, one number a picture out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from peephole.errors import PeepholeError
from peephole.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor

    from peephole.leaderboard.examined import Examined

Direction = Literal["higher", "lower"]
Truth = Literal["mask", "soft", "any"]
Against = Literal["twin", "top_down", "bottom_up", "independent"]


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
        number: int64 ``[N]``, each picture's place among all pictures of its kind, from which whatever is random about
            it is drawn; 0, 1, ... if not given.
        network: the poisoned network, for metrics that ask it, or None.
        levels: chance and best levels of these pictures that are known already, by metric.

    Raises:
        PeepholeError: there is neither a mask nor a soft truth.
    """

    image: Tensor
    clean: Tensor
    mask: Tensor | None
    exact: Tensor | None
    target: Tensor
    soft: Tensor | None = None
    number: Tensor | None = None
    network: Examined | None = None
    levels: Mapping[Metric, Levels] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.mask is None and self.soft is None:
            raise PeepholeError("probes have no truth, expected a mask or a soft truth; let the trigger give one")

    @property
    def truth(self) -> Tensor:
        """The truth as numbers, float32 ``[N,T,H,W]`` in [0,1]: the mask if there is one, else the soft truth."""
        truth = self.soft if self.mask is None else self.mask.float()
        assert truth is not None  # as was checked at the beginning
        return truth

    @property
    def numbers(self) -> Tensor:
        """`number`, or what stands for it: int64 ``[N]``."""
        import torch

        return torch.arange(len(self.target), device=self.target.device) if self.number is None else self.number

    @property
    def examined(self) -> Examined:
        """The network.

        Raises:
            PeepholeError: there is none.
        """
        if self.network is None:
            raise PeepholeError("the probes have no network, the metric expects one to ask; give it as Probes.network")
        return self.network

    @cached_property
    def weighted_features(self) -> Tensor:
        """`Examined.weighted_features` of the pictures themselves, float32 ``[N,F]``, made once for all maps.

        Raises:
            PeepholeError: there is no network, or it has no linear layer.
        """
        return self.examined.weighted_features(self.examined.normalise(self.image))

    @cached_property
    def says_target(self) -> tuple[Tensor, Tensor]:
        """Whether the network says the first target of each picture, stamped and clean, bool ``[N]`` each; asked once
        for all maps.

        Raises:
            PeepholeError: there is no network.
        """
        target = self.target[:, 0]
        return self.examined.decisions(self.image) == target, self.examined.decisions(self.clean) == target

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
class Levels:
    """Between what a score lies that is measured on a network, picture by picture.

    Attributes:
        chance: float64 ``[N]``, the mean score of maps that know nothing.
        best: float64 ``[N]``, the score of the truth itself, or the best possible one.
    """

    chance: Tensor
    best: Tensor


@dataclass(frozen=True)
class Scored:
    """What a metric says of N pictures.

    Attributes:
        value: float64 ``[N]``; an invalid map has its chance level here.
        chance: float64 ``[N]``, the expected value of a map that knows nothing (see the metric's docstring).
        valid: bool ``[N]``, False where the map had nothing to score.
        best: float64 ``[N]``, the score of the truth itself where it is measured; the metric's `best` if None.
        scored: bool ``[N]``, False for pictures that the metric leaves out, whatever the map is; none if None. What the
            other fields have there is not looked at.
        curve: float32 ``[N,G]`` in [0,1], where the value is the area of a curve: its height at
            `peephole.leaderboard.curve_shares`; else None. An invalid map has a curve, too, that of some order.
    """

    value: Tensor
    chance: Tensor
    valid: Tensor
    best: Tensor | None = None
    scored: Tensor | None = None
    curve: Tensor | None = None


class Metric(ABC):
    """What all metrics say of themselves. A docstring gives formula, range, chance level, direction, invalid cases and
    source. A metric with options is a frozen dataclass of `pydantic.dataclasses`, as methods and triggers are.

    Attributes:
        title: the name for people.
        formula: the formula in one line of plain text.
        source: the citation.
        direction: which way is better.
        best: the score of the truth itself, or the best possible one where a `Scored` says what the truth's is.
        core: whether the metric counts for the headline.
        truth: what it needs to know of the pictures; it refuses probes that lack this.
        network: whether it needs the poisoned network, or what that does to pictures first, in `Probes.network`.
    """

    title: ClassVar[str]
    formula: ClassVar[str]
    source: ClassVar[str]
    direction: ClassVar[Direction] = "higher"
    best: ClassVar[float] = 1.0
    core: ClassVar[bool] = False
    truth: ClassVar[Truth] = "any"
    network: ClassVar[bool] = False


class MapMetric(Metric):
    """A metric on maps.

    Attributes:
        channels: whether maps come with their channels, ``[N,T,c,H,W]`` (those of the picture at the input, one
            elsewhere), instead of summed.
    """

    channels: ClassVar[bool] = False

    @abstractmethod
    def score(self, relevance: Tensor, probes: Probes) -> Scored:
        """Score signed maps ``[N,T,H,W]``, one channel, at the picture's own resolution (but see `channels`)."""


class DerivedMetric(Metric):
    """A metric made of the scores that other metrics give the same map.

    Attributes:
        parts: their names.
    """

    parts: ClassVar[tuple[str, ...]]

    @abstractmethod
    def combine(self, parts: Sequence[Scored]) -> Scored:
        """Make one score of those of `parts`, in their order."""


class ComparisonMetric(Metric):
    """A metric that compares a map with those that the same method makes of other networks.

    Attributes:
        against: which networks: the clean twin, or the poisoned one with more and more layers randomised from the top
            or from the bottom, or with one at a time.
    """

    against: ClassVar[Against]

    @abstractmethod
    def compare(self, relevance: Tensor, others: Tensor, probes: Probes) -> Scored:
        """Score signed maps ``[N,T,H,W]`` beside those of V other networks, ``[V,N,T,H,W]``, for the same targets."""


class Calibration(Protocol):
    """A map that is known beforehand, from the truth or from nothing at all."""

    title: ClassVar[str]

    def maps(self, probes: Probes, seed: int) -> Tensor:
        """The float32 map ``[N,T,H,W]`` of each probe and target."""
        ...


METRICS: Registry[type[Metric]] = Registry("metric", "peephole.leaderboard.metrics", "peephole.metrics")
CALIBRATION: Registry[type[Calibration]] = Registry("calibration row", "peephole.leaderboard.calibration")
