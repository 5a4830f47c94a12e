"""Key information sufficiency: does the map itself, taken for a picture, give the same decision?"""

from __future__ import annotations

from typing import ClassVar

from pydantic.dataclasses import dataclass
from torch import Tensor

from peephole.leaderboard.base import METRICS
from peephole.leaderboard.channels import TIE, largest
from peephole.leaderboard.key_information import KeyInformation, extremes


@METRICS.register
@dataclass(frozen=True)
class Kis(KeyInformation):
    """What the last layer adds up for its decision, when the network sees the map in the place of the picture.

    Formula: S = 1 - ||v* A* - v A||_1 / ||v A||_1, A the input of the last linear layer and v the weight row of the
    decision, * the same, decision included, for R~ = (R - min R) (max x - min x) / (max R - min R) + min x instead of
    x, the picture as the network gets it. Minima and maxima are over all channels and pixels of a picture, R has its
    sign. A map of one channel gives all channels of R~ alike.

    Range: minus infinity to 1. A positive affine function of x scores 1; a
    negative S says that the features changed by more than their own size.

    Chance: the mean score of eight maps of i.i.d. uniform(0,1) pixels, one channel each, on the very picture: it
    depends on the network and has no closed form.

    Direction: higher means that the map suffices for the decision. That describes a type of decision, one that needs
    no context, rather than the quality of the method: a method that is right about a decision that does need context
    scores low.

    Invalid: a constant map (constant up to rounding errors), which has no R~; the picture scores chance. A picture with
    ||v A||_1 = 0 has no S and is left out. A constant x is no exception: R~ is x, and S is 1.

    Source: P2, section V-B, equation 20. P2 leaves open whether v* is the row of the decision on R~ or on x, and over
    what minima and maxima are taken; its star and its two peaks speak for the former.
    """

    title: ClassVar[str] = "Key information sufficiency"
    formula: ClassVar[str] = "1 - ||v* A* - v A||_1 / ||v A||_1 with R scaled to the range of x in the place of x"
    source: ClassVar[str] = (
        "Unifying perplexing behaviors in modified BP attributions through alignment perspective, V-B, eq. 20"
    )

    def key(self, relevance: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """R~."""
        low, high = extremes(relevance)
        valid = high - low > TIE * largest(relevance)
        darkest, brightest = extremes(x)
        share = (relevance - low) / (high - low).where(valid, 1.0)
        return (share * (brightest - darkest) + darkest).expand_as(x), valid.flatten()
