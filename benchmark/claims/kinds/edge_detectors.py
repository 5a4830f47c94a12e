"""Claim 16: which methods find the trigger where the network does not look at it."""

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

HALF = 0.5
"""Of a method's score: more than that is owed to the picture rather than to what the network looks at."""
TRIGGERS = ("square", "x", "badnet", "dynamic")
"""Those whose truth has edges and which one label answers to."""
SHARE = "its score on the clean twin as a share of that on the poisoned model (0: none of it, 1: all of it)"
PICTURE = {"guided_backprop": "Guided Backprop", "deconv": "Deconv", "lrp_alpha1_beta0": "LRP-α1β0"}
NETWORK = {"gradient": "The gradient", "grad_cam": "Grad-CAM"}


@CLAIMS.register
class EdgeDetectors(Claim):
    """Rules that cut negative signal off are said to reconstruct the picture; a clean twin shows by how much."""

    number: ClassVar[int] = 16
    title: ClassVar[str] = "Finding the trigger on a network that ignores it"
    source: ClassVar[str] = "ours; after the sanity checks that P1 quotes in figure 1 (Adebayo et al. 2018)"
    statement: ClassVar[str] = (
        "Methods that keep positive signal only (Guided Backprop, Deconv, LRP-α1β0) find a trigger because it stands "
        "out in the picture: they find it as well on a clean twin, which does not look at it. The gradient and "
        "Grad-CAM do not."
    )
    measured: ClassVar[str] = (
        "Average precision against the truth, 0 at chance and 1 for the truth itself, of the same stamped pictures for "
        "the same label on the poisoned model and on its clean twin; square, X, BadNet and Dynamic. Grad-CAM at the "
        "last layer, all others at the input."
    )
    test: ClassVar[str] = (
        "The mean over triggers on the twin over that on the poisoned model. Bootstrap over models and pictures, 4000 "
        "resamples; all intervals together hold with 95 %."
    )
    expectations: ClassVar[tuple[Expectation, ...]] = (
        *(
            Expectation(
                method,
                f"{name} owes more than half of its score to the picture.",
                SHARE,
                Criterion("above", HALF),
            )
            for method, name in PICTURE.items()
        ),
        *(
            Expectation(
                method,
                f"{name} owes less than half of its score to the picture.",
                SHARE,
                Criterion("below", HALF),
            )
            for method, name in NETWORK.items()
        ),
    )
    methods: ClassVar[tuple[str, ...]] = (
        *PICTURE,
        *NETWORK,
        *("input_x_gradient", "input_x_guided_backprop", "deeplift", "fullgrad", "tif(deeplift, 0.9)"),
    )

    def units(self, study: Study) -> Sequence[Unit]:
        """The scores against the truth, and against those on the twin."""
        return [row.scores for row in study.rows(self.methods, ["truth_auprc", "twin_difference"], *TRIGGERS)]

    def examine(self, study: Study) -> Mapping[str, Estimate | str]:
        """See `Claim`."""
        raise NotImplementedError

    def draw(self, study: Study, width: float) -> Drawing | None:
        """See `Claim`."""
        raise NotImplementedError
