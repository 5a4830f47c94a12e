"""Input alignment: does the map look like the picture?"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import ClassVar

from torch import Tensor

from peephole.leaderboard.base import METRICS, MapMetric, Probes, Scored
from peephole.leaderboard.channels import with_channels
from peephole.leaderboard.per_picture import per_picture


@METRICS.register
class InputAlignment(MapMetric):
    """The cosine of the map and the picture as the network gets it.

    Formula: sum(R x) / (||R|| ||x||) over all channels and pixels of a picture, R with its sign and its channels. A
    map of one channel is compared with x summed over its channels, since that is what remains of a map that equals x
    when its channels are summed. With several targets, the mean over them.

    Range: -1 to 1. A positive multiple of x scores 1.

    Chance: sqrt(3)/2 (1 + 1/(20 P)) sum(X) / (sqrt(P) ||X||), X the sum of x over its channels and P the number of
    pixels: the expected score of a map U of i.i.d. uniform(0,1) pixels, up to terms in 1/P^2. All U_i / ||U|| have the
    same expectation, hence E[sum(U_i X_i) / ||U||] = sum(X) E[sum(U) / ||U||] / P. Expand
    sum(U) / (sqrt(P) ||U||) = m / sqrt(q), m and q being the means of U_i and U_i^2, to second order around (1/2, 1/3),
    with var(q) = 4/(45 P) and cov(m, q) = 1/(12 P): sqrt(3)/2 + sqrt(3) (3/20 - 1/8) / P. It is 0 where the picture
    is on average the mean colour; a map whose signs are a matter of luck (R and -R equally likely) is expected to score
    0 on any picture.

    Direction: higher means that the map shows more of what the picture looks like. P2 proves that rules which filter
    negative relevance align their maps with the input, whatever the decision: it describes a method, and is no merit.

    Invalid: a map that is zero everywhere, whichever target it is for; the picture scores chance. A picture whose X is
    zero everywhere has no direction and is left out.

    Source: P2, definition 1, after Etmann, Lunz, Maass, Schönlieb, On the connection between adversarial robustness and
    saliency map interpretability, ICML 2019. Neither speaks of maps without channels; the sum over x is ours.
    """

    title: ClassVar[str] = "Input alignment"
    formula: ClassVar[str] = "sum(R x) / (||R|| ||x||)"
    source: ClassVar[str] = (
        "Unifying perplexing behaviors in modified BP attributions through alignment perspective, definition 1"
    )
    network: ClassVar[bool] = True
    channels: ClassVar[bool] = True

    def score(self, relevance: Tensor, probes: Probes) -> Scored:
        """Score signed maps ``[N,T,c,H,W]``.

        Raises:
            PeepholeError: maps that do not fit the pictures or hold NaN, or there is no network.
        """
        maps = with_channels(relevance, probes)
        x = probes.examined.normalise(probes.image).double()
        summed = x.sum(dim=1)
        seen = (summed.unsqueeze(1) if maps.shape[2] == 1 else x).flatten(1).unsqueeze(1)
        peak = maps.abs().amax(dim=(2, 3, 4))
        # In units of the peak no square is too large or too small for a number.
        flat = maps.flatten(2) / peak.where(peak > 0, 1.0).unsqueeze(2)
        sizes = flat.norm(dim=2) * seen.norm(dim=2)
        value = ((flat * seen).sum(dim=2) / sizes.where(sizes > 0, 1.0)).clamp(-1, 1)
        chance = _chance(summed.flatten(1)).unsqueeze(1).expand_as(value)
        return replace(per_picture(value, chance, peak > 0), scored=summed.flatten(1).norm(dim=1) > 0)


def _chance(summed: Tensor) -> Tensor:
    """The expected cosine of a map of i.i.d. uniform(0,1) pixels with pictures ``[N,P]``; 0 for one of zeros."""
    pixels, size = summed.shape[1], summed.norm(dim=1)
    mean_cosine: Tensor = summed.sum(dim=1) / (math.sqrt(pixels) * size.where(size > 0, 1.0))  # with an even map
    return mean_cosine * (math.sqrt(3) / 2 * (1 + 1 / (20 * pixels)))
