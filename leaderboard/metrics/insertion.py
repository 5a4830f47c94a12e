"""Insertion: do the pixels that speak for the decision, alone, give the same decision?"""

from __future__ import annotations

from typing import ClassVar

from pydantic.dataclasses import dataclass
from torch import Tensor

from peephole.leaderboard.base import METRICS
from peephole.leaderboard.channels import TIE, largest
from peephole.leaderboard.key_information import KeyInformation, above_mean


@METRICS.register
@dataclass(frozen=True)
class Insertion(KeyInformation):
    """What the last layer adds up for its decision, when the network sees the picture above the map's mean only.

    Formula: S as of `kis` for 1(R > mean R) x in the place of x, the picture as the network gets it, so that what is
    taken away becomes the data set's mean colour. The mean is over all channels and pixels of a picture, R has its sign
    and, where it has them, its channels: a pixel may keep one channel and lose another.

    Range: minus infinity to 1. 1 is reached where what is taken away does not reach the last layer.

    Chance: the mean score of eight maps of i.i.d. uniform(0,1) pixels, one channel each, on the very picture: they
    keep about half of its pixels, at random.

    Direction: higher means that the pixels suffice for the decision, which describes a type of decision rather than
    the quality of the method, see `kis`.

    Invalid: a map with nothing above its mean, which is a constant map (constant up to rounding errors); the picture
    scores chance. A picture with ||v A||_1 = 0 has no S and is left out.

    Source: P2, section V-B, figure 8b: beside `kis`, to show that taking pixels away brings artefacts of its own. It
    shares no more than the name with the insertion curve of RISE (Petsiuk, Das, Saenko 2018).
    """

    title: ClassVar[str] = "Insertion"
    formula: ClassVar[str] = "1 - ||v* A* - v A||_1 / ||v A||_1 with 1(R > mean R) x in the place of x"
    source: ClassVar[str] = (
        "Unifying perplexing behaviors in modified BP attributions through alignment perspective, V-B, fig. 8b"
    )

    def key(self, relevance: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """1(R > mean R) x."""
        above, valid = above_mean(relevance, largest(relevance), TIE)
        return above * x, valid
