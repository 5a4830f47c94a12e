"""Metrics whose chance and best levels depend on the network, and are measured on the very pictures."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from peephole.leaderboard.base import Levels, MapMetric, Probes, Scored
from peephole.leaderboard.counters import uniform

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
        value, valid = self.measure(relevance, probes)
        levels = probes.levels.get(self) or self.levels(probes)
        return Scored(value.where(valid, levels.chance), levels.chance, valid, levels.best)

    def _shaped(self, maps: Tensor) -> Tensor:
        return maps.unsqueeze(2) if self.channels else maps
