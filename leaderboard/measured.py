"""Metrics whose chance and best levels depend on the network, and are measured on the very pictures."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor

from peephole.leaderboard.base import Levels, MapMetric, Probes, Scored
from peephole.leaderboard.counters import uniform
from peephole.leaderboard.curve_shapes import Curve
from peephole.leaderboard.curve_shares import curve_shares

DRAWS = 8
"""Random maps a picture, whose mean score is the chance level."""
CHANCE = 1 << 32
"""The first stream of the random maps."""


class MeasuredMetric(MapMetric):
    """A metric that asks the network. Subclasses are frozen dataclasses, equal if their options are.

    Chance is the mean score of `DRAWS` maps of i.i.d. uniform(0,1) pixels on the same picture, best the score of the
    truth itself; `Probes.levels` spares the work where they are known. An invalid map scores chance.
    """

    network: ClassVar[bool] = True

    @abstractmethod
    def measure(self, relevance: Tensor, probes: Probes) -> tuple[Tensor, Tensor]:
        """Score maps as `score` does: value float64 ``[N]`` and valid bool ``[N]``."""

    def levels(self, probes: Probes) -> Levels:
        """Measure chance and best."""
        shape = probes.truth.shape
        maps = (
            uniform(probes.numbers, shape[1:].numel(), CHANCE + draw).view(shape).to(probes.image.device)
            for draw in range(DRAWS)
        )
        chance = torch.stack([self.measure(self._shaped(random), probes)[0] for random in maps]).mean(dim=0)
        return Levels(chance, self.best_level(probes))

    def best_level(self, probes: Probes) -> Tensor:
        """The score of the truth itself, float64 ``[N]``."""
        return self.measure(self._shaped(probes.truth.double()), probes)[0]

    def score(self, relevance: Tensor, probes: Probes) -> Scored:
        """Score maps; see the class of the metric for what is refused."""
        return self._scored(*self.measure(relevance, probes), probes)

    def _scored(self, value: Tensor, valid: Tensor, probes: Probes) -> Scored:
        levels = probes.levels.get(self) or self.levels(probes)
        return Scored(value.where(valid, levels.chance), levels.chance, valid, levels.best)

    def _shaped(self, maps: Tensor) -> Tensor:
        return maps.unsqueeze(2) if self.channels else maps


class AreaMetric(MeasuredMetric):
    """A metric that is the area under a curve, which is kept beside it."""

    @abstractmethod
    def follow(self, relevance: Tensor, probes: Probes) -> tuple[Curve, Tensor]:
        """The curves of maps as `score` gets them, and valid, bool ``[N]``."""

    def measure(self, relevance: Tensor, probes: Probes) -> tuple[Tensor, Tensor]:
        """The areas, float64 ``[N]``, and valid; see `follow` for what is refused."""
        curve, valid = self.follow(relevance, probes)
        return curve.area, valid

    def score(self, relevance: Tensor, probes: Probes) -> Scored:
        """Score maps and keep their curves; see `follow` for what is refused."""
        curve, valid = self.follow(relevance, probes)
        scored = self._scored(curve.area, valid, probes)
        return replace(scored, curve=curve.at(torch.from_numpy(curve_shares())).float())
