"""Claim 2: no single layer does well when pixels are removed from either end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from peephole.claims.base import CLAIMS, Claim
from peephole.claims.p1_methods import CAM_LIKE, LAYERED
from peephole.leaderboard.claim_result import Estimate, Expectation
from peephole.leaderboard.verdict import Criterion

if TYPE_CHECKING:
    from peephole.claims.study import Study
    from peephole.figures.base import Drawing
    from peephole.units.base import Unit

TREND = 0.3
"""Of Spearman's ρ, as for the metrics of claim 1."""
TRIGGERS = ("square", "x")
METRICS = ("lerf", "morf")
BLUE = ("input_x_gradient", "deeplift", "integrated_gradients(steps=10)")
"""P1's blue circles: maps at the input that are multiplied by it."""
MULTIPLIED = {
    "smoothgrad(samples=10)": "input_x_smoothgrad(samples=10)",
    "guided_backprop": "input_x_guided_backprop",
    "guided_grad_cam": "input_x_guided_grad_cam",
}
"""P1's green circles, which are not multiplied by the input, and the same when they are."""
MEAN_RHO = "Spearman's ρ of the area with the layer's place from the input, mean over five methods (-1 to 1)"


@CLAIMS.register
class ReliabilityByLayer(Claim):
    """P1's reading of pixel removal: layer by layer, and by groups of methods where each is commonly taken."""

    number: ClassVar[int] = 2
    title: ClassVar[str] = "MoRF and LeRF by layer and kind of method"
    source: ClassVar[str] = "P1, figures 5 (a) and 6, section 4.2"
    statement: ClassVar[str] = (
        "Maps of higher layers do better when the least relevant pixels are removed first (LeRF, lower is better) and "
        "worse when the most relevant are (MoRF, higher is better). So do CAM-like methods against gradient-like ones. "
        "Methods that are not multiplied by the input gain in MoRF when they are."
    )
    measured: ClassVar[str] = (
        "MoRF and LeRF, removed pixels being zero to the network, on pictures that a square or an X decides. P1 "
        "removes pixels of clean ImageNet pictures: here the reason of the decision is the trigger, and small. "
        "Gradient-like methods (Input×Gradient, DeepLIFT, Integrated Gradients) are taken at the input, Grad-CAM, "
        "Score-CAM and CAMERAS at the last layer, FullGrad as its authors have it."
    )
    test: ClassVar[str] = (
        "Rank correlations of curves with the layer's place, and differences of means, each the mean of both triggers. "
        "Bootstrap over models and pictures, 4000 resamples; all intervals together hold with 95 %."
    )
    expectations: ClassVar[tuple[Expectation, ...]] = (
        Expectation(
            "lerf_improves", "LeRF improves (falls) from layer to layer.", MEAN_RHO, Criterion("below", -TREND)
        ),
        Expectation("morf_worsens", "MoRF worsens (falls) from layer to layer.", MEAN_RHO, Criterion("below", -TREND)),
        Expectation(
            "gradient_morf",
            "Gradient-like methods at the input beat CAM-like ones in MoRF.",
            "mean MoRF of the gradient-like methods less that of the CAM-like ones (-1 to 1)",
            Criterion("above", 0.0),
        ),
        Expectation(
            "cam_lerf",
            "CAM-like methods beat gradient-like ones at the input in LeRF.",
            "mean LeRF of the gradient-like methods less that of the CAM-like ones (-1 to 1)",
            Criterion("above", 0.0),
        ),
        Expectation(
            "times_input",
            "SmoothGrad, Guided Backprop and Guided Grad-CAM all gain in MoRF when multiplied by the input.",
            "the smallest of the three gains in MoRF (-1 to 1)",
            Criterion("above", 0.0),
        ),
    )
    methods: ClassVar[tuple[str, ...]] = tuple(
        dict.fromkeys((*LAYERED, *BLUE, *CAM_LIKE, *MULTIPLIED, *MULTIPLIED.values()))
    )

    def units(self, study: Study) -> Sequence[Unit]:
        """The scores by metrics that ask the network, under both triggers."""
        return [row.scores for row in study.rows(self.methods, METRICS, *TRIGGERS)]

    def examine(self, study: Study) -> Mapping[str, Estimate | str]:
        """See `Claim`."""
        raise NotImplementedError

    def draw(self, study: Study, width: float) -> Drawing | None:
        """See `Claim`."""
        raise NotImplementedError
