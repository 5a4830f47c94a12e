"""Key information: what becomes of a decision when the network gets a map, or what it keeps of the picture, alone.

P2 (Unifying perplexing behaviors in modified BP attributions through alignment perspective, section V-B, equation 20)
compares what the last linear layer adds up for its decision, ``v A``, with and without the rest of the picture. There
is no official code.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace

import torch
from torch import Tensor

from peephole.errors import PeepholeError
from peephole.leaderboard.base import Probes, Scored
from peephole.leaderboard.channels import with_channels
from peephole.leaderboard.examined import Examined
from peephole.leaderboard.measured import MeasuredMetric


class KeyInformation(MeasuredMetric):
    """S = 1 - ||v* A* - v A||_1 / ||v A||_1 for what a subclass makes of a map and its picture.

    A is the input of the last linear layer for the picture x, v the weight row of the decision on x; A* and v* are the
    same for what is fed back, v* being the row of the decision on that. Products are taken element by element.

    The best possible score, 1, stands for that of the truth: the truth as a map says where a trigger is and not what
    it looks like, so that its own score is nothing to strive for. A picture of which the network has no features that
    count (||v A||_1 = 0) has no S whatever the map: it is left out.
    """

    channels = True

    @abstractmethod
    def key(self, relevance: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """What is fed back.

        Args:
            relevance: float64 ``[N,c,H,W]``, signed; c is 1 or C.
            x: float64 ``[N,C,H,W]``, as the network gets it.

        Returns:
            ``[N,C,H,W]`` of what the network is to get, and bool ``[N]``, False for maps that say nothing.
        """

    def measure(self, relevance: Tensor, probes: Probes) -> tuple[Tensor, Tensor]:
        """Score maps ``[N,1,c,H,W]``.

        Raises:
            PeepholeError: more than one target, maps that do not fit the pictures or hold NaN, or no network.
        """
        targets = probes.target.shape[1]
        if targets != 1:
            raise PeepholeError(
                f"key information got probes of {targets} targets, expected 1, since a network decides once; use a "
                "trigger with one label, such as square, badnet, dynamic, input_aware or wanet"
            )
        maps = with_channels(relevance, probes).squeeze(1)
        return self.sufficiency(maps, probes.image, probes.examined, probes.weighted_features)

    def sufficiency(
        self, relevance: Tensor, pictures: Tensor, network: Examined, features: Tensor
    ) -> tuple[Tensor, Tensor]:
        """S of maps that are finite and fit, in passes of bounded size: one pass a picture.

        Args:
            relevance: floating point ``[N,c,H,W]``.
            pictures: float32 ``[N,C,H,W]`` in [0,1].
            network: whose decisions they explain.
            features: ``[N,F]``, its `weighted_features` of the pictures.

        Returns:
            S, float64 ``[N]``, 0 where there is none, and bool ``[N]``, False for maps that say nothing.

        Raises:
            PeepholeError: what the network answers is not finite.
        """
        found, valid = [], []
        for maps, part in zip(relevance.split(network.batch), pictures.split(network.batch), strict=True):
            inputs, says = self.key(maps.double(), network.normalise(part).double())
            found.append(network.weighted_features(inputs.float()))
            valid.append(says)
        before, after = features.double(), torch.cat(found).double()
        whole = before.abs().sum(dim=1)
        value = 1 - (after - before).abs().sum(dim=1) / whole.where(whole > 0, 1.0)
        if not bool(value.isfinite().all()):
            raise PeepholeError(
                f"the network's features are not finite on {int((~value.isfinite()).sum())} of {len(value)} pictures "
                "or of what is fed back for them, expected numbers; use other weights"
            )
        says = torch.cat(valid)
        return value.where(says & (whole > 0), 0.0), says

    def best_level(self, probes: Probes) -> Tensor:
        """1, the best possible score, float64 ``[N]``."""
        return torch.ones(len(probes.image), dtype=torch.float64, device=probes.image.device)

    def score(self, relevance: Tensor, probes: Probes) -> Scored:
        """Score maps ``[N,1,c,H,W]``; see `measure` for what is refused."""
        scored = super().score(relevance, probes)
        return replace(scored, scored=probes.weighted_features.abs().sum(dim=1) > 0)


def extremes(values: Tensor) -> tuple[Tensor, Tensor]:
    """The lowest and the highest value of each picture, over all channels: ``[N,1,1,1]`` each."""
    return values.amin(dim=(1, 2, 3), keepdim=True), values.amax(dim=(1, 2, 3), keepdim=True)


def above_mean(values: Tensor, peak: Tensor, tie: float) -> tuple[Tensor, Tensor]:
    """Where ``values`` ``[N,c,H,W]`` are above the mean of their picture, and bool ``[N]``: whether any is.

    A value counts as above if it is so by more than rounding errors: by ``tie`` times ``peak`` ``[N,1,1,1]``.
    """
    above = values - values.mean(dim=(1, 2, 3), keepdim=True) > tie * peak
    return above, above.flatten(1).any(dim=1)
