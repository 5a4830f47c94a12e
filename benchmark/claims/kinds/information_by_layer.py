"""P2, section V-A and figure 7: what of the picture the network still uses, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from peephole.claims.base import CLAIMS, Claim
from peephole.leaderboard.claim_result import Estimate, Expectation
from peephole.leaderboard.verdict import Criterion

if TYPE_CHECKING:
    from peephole.claims.study import Study
    from peephole.figures.base import Drawing
    from peephole.units.base import Unit

TREND = 0.3
"""A rank correlation that matters."""


@CLAIMS.register
class InformationByLayer(Claim):
    """On wrong decisions, maps from successive layers' activations lose the picture and near the attribution."""

    number: ClassVar[int] = 13
    title: ClassVar[str] = "Layer by layer, a wrong decision's picture gives way to what the decision was made of"
    source: ClassVar[str] = "P2 (alignment), section V-A, figure 7"
    statement: ClassVar[str] = (
        "A layer's activation, sent back to the input in the place of what arrives there, shows what of the picture is "
        "still used up to that layer. From layer to layer colour and background fade, and what misleads the network "
        "comes to dominate, which the attribution of the whole network shows only at its end."
    )
    measured: ClassVar[str] = (
        "Test pictures that the clean models get wrong. Each layer's activation is sent back by Guided Backprop to the "
        "input; the map is compared with the picture as the network gets it, and with Guided Backprop of the decision "
        "through the whole network. All layers but the input itself."
    )
    test: ClassVar[str] = (
        "Spearman's ρ of layer and number for each picture, and the mean over pictures and models. Percentile intervals "
        "of a bootstrap over models and pictures."
    )
    expectations: ClassVar[tuple[Expectation, ...]] = (
        Expectation(
            "fades",
            "The higher the layer, the less its map is like the picture.",
            "ρ of layer and cosine of map and picture, −1 to 1",
            Criterion("below", -TREND),
        ),
        Expectation(
            "colour",
            "The higher the layer, the less colour its map has.",
            "ρ of layer and the share of the map's energy that is not grey, −1 to 1",
            Criterion("below", -TREND),
        ),
        Expectation(
            "nears",
            "The higher the layer, the more its map is like the whole network's attribution.",
            "ρ of layer and cosine of map and attribution, −1 to 1",
            Criterion("above", TREND),
        ),
        Expectation(
            "aligned",
            "Even the last layer's map is more like the picture than the attribution is.",
            "cosine with the picture, last layer's map minus attribution, −2 to 2",
            Criterion("above"),
        ),
    )

    def units(self, study: Study) -> Sequence[Unit]:
        """See `Claim.units`."""
        return []

    def examine(self, study: Study) -> Mapping[str, Estimate | str]:
        """See `Claim.examine`."""
        return {one.name: "not examined yet" for one in self.expectations}

    def draw(self, study: Study, width: float) -> Drawing | None:
        """See `Claim.draw`."""
        return None
