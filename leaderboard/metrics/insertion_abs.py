"""Insertion (ABS): do the pixels of large magnitude, for or against the decision, alone give the same decision?"""

from __future__ import annotations

from typing import ClassVar

from pydantic.dataclasses import dataclass
from torch import Tensor

from peephole.leaderboard.base import METRICS
from peephole.leaderboard.channels import TIE, largest
from peephole.leaderboard.key_information import KeyInformation, above_mean


@METRICS.register
@dataclass(frozen=True)
class InsertionAbs(KeyInformation):
    """As `insertion`, but a pixel stays for the size of its relevance, whatever its sign.

    Formula: S as of `kis` for 1(|R| > mean |R|) x in the place of x, the picture as the network gets it; the mean is
    over all channels and pixels of a picture.

    Range: minus infinity to 1, as of `insertion`.

    Chance: the mean score of eight maps of i.i.d. uniform(0,1) pixels, one channel each, on the very picture.

    Direction: higher means that the pixels suffice for the decision, which describes a type of decision rather than
    the quality of the method, see `kis`.

    Invalid: a map with nothing above the mean of its magnitude: one of the same magnitude everywhere (up to rounding
    errors), whatever its signs; the picture scores chance. A picture with ||v A||_1 = 0 has no S and is left out.

    Source: P2, section V-B, figure 8c.
    """

    title: ClassVar[str] = "Insertion (ABS)"
    formula: ClassVar[str] = "1 - ||v* A* - v A||_1 / ||v A||_1 with 1(|R| > mean |R|) x in the place of x"
    source: ClassVar[str] = (
        "Unifying perplexing behaviors in modified BP attributions through alignment perspective, V-B, fig. 8c"
    )

    def key(self, relevance: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """1(|R| > mean |R|) x."""
        above, valid = above_mean(relevance.abs(), largest(relevance), TIE)
        return above * x, valid
