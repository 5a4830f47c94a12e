"""Claim 4: fused maps lie within the object's box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from peephole.claims.base import CLAIMS, Claim
from peephole.claims.p1_methods import BASELINES, FUSED
from peephole.leaderboard.claim_result import Estimate, Expectation
from peephole.leaderboard.verdict import Criterion

if TYPE_CHECKING:
    from peephole.claims.study import Study
    from peephole.figures.base import Drawing
    from peephole.units.base import Unit


@CLAIMS.register
class Boxes(Claim):
    """P1's table 2: the energy-based pointing game with the boxes of objects, no trigger anywhere."""

    number: ClassVar[int] = 4
    title: ClassVar[str] = "Relevance within the object's box"
    source: ClassVar[str] = "P1, table 2, section 6 and A.3"
    statement: ClassVar[str] = (
        "On ordinary pictures, TIF of DeepLIFT with α = 0.9 keeps more of its relevance within the box of the object "
        "than any other method, than DeepLIFT itself, and than with a smaller α."
    )
    measured: ClassVar[str] = (
        "The share of positive relevance within the object's box (EBPG), on clean test pictures that a clean model "
        "gets right, explained for their class, those left out whose box covers more than half. Methods are taken "
        "where P1 takes them. Data sets without boxes cannot be tested."
    )
    test: ClassVar[str] = (
        "Differences of means on the same pictures. Bootstrap over models and pictures, 4000 resamples; all intervals "
        "together hold with 95 %."
    )
    expectations: ClassVar[tuple[Expectation, ...]] = (
        Expectation(
            "fusion_leads",
            "TIF of DeepLIFT with α = 0.9 keeps more relevance in the box than every method that is no TIF.",
            "its EBPG less the best of the others' (-1 to 1)",
            Criterion("above", 0.0),
        ),
        Expectation(
            "fusion_gains",
            "It keeps more in the box than DeepLIFT at the input.",
            "EBPG of TIF of DeepLIFT with α = 0.9 less DeepLIFT's (-1 to 1)",
            Criterion("above", 0.0),
        ),
        Expectation(
            "alpha_rises",
            "A larger α keeps more in the box.",
            "EBPG with α = 0.9 less that with α = 0.5 (-1 to 1)",
            Criterion("above", 0.0),
        ),
    )
    methods: ClassVar[tuple[str, ...]] = (*BASELINES, *FUSED)

    def units(self, study: Study) -> Sequence[Unit]:
        """One a clean model, if its data set has boxes."""
        return []

    def examine(self, study: Study) -> Mapping[str, Estimate | str]:
        """See `Claim`."""
        raise NotImplementedError

    def draw(self, study: Study, width: float) -> Drawing | None:
        """See `Claim`."""
        raise NotImplementedError
