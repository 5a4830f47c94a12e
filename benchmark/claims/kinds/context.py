"""Claim 15: whether simple triggers say how methods do on triggers that need their context."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from peephole.claims.base import CLAIMS, Claim
from peephole.claims.p1_methods import BASELINES
from peephole.leaderboard.claim_result import Estimate, Expectation
from peephole.leaderboard.verdict import Criterion

if TYPE_CHECKING:
    from peephole.claims.study import Study
    from peephole.figures.base import Drawing
    from peephole.units.base import Unit

AGREEMENT = 0.5
"""Of Kendall's τ: three pairs of methods of four keep their order. Less is no ground to choose a method on."""
PATCHES = ("badnet", "dynamic")
SHAPES = ("square", "x")
CONTEXT = ("input_aware", "wanet")
METRICS = ("restore", "morf_minus_lerf")


@CLAIMS.register
class Context(Claim):
    """P2's warning: a board made with BadNet and its kin says nothing of triggers that work by their context."""

    number: ClassVar[int] = 15
    title: ClassVar[str] = "From simple triggers to those that need their context"
    source: ClassVar[str] = "ours, after P2's warning in section V-B2"
    statement: ClassVar[str] = (
        "An order of methods that is found with triggers like BadNet's predicts their order with triggers that decide "
        "together with the picture (Input-Aware, WaNet). P2 warns that it may not: where this fails, the warning is "
        "right."
    )
    measured: ClassVar[str] = (
        "Mean scores of P1's methods and plain gradients under BadNet, Dynamic, square and X on one side, Input-Aware "
        "and WaNet on the other: how soon the attack fails when the clean picture is put back where the map points, "
        "and MoRF less LeRF. Each method at the input, or at the last layer if that is where it is commonly taken; "
        "each trigger's scores are brought to 0 at chance and 1 for the truth itself before their mean is taken."
    )
    test: ClassVar[str] = (
        "Kendall's τ-b between the two orders; beside it, that of BadNet and Dynamic with square and X, which says "
        "what two boards of simple triggers share. Bootstrap over models and pictures, 4000 resamples; all intervals "
        "together hold with 95 %. Resampling adds noise, which draws τ to 0."
    )
    expectations: ClassVar[tuple[Expectation, ...]] = (
        Expectation(
            "restore_simple",
            "Two kinds of simple triggers order methods alike by restoring pixels.",
            "Kendall's τ of mean restore under BadNet and Dynamic with that under square and X (-1 to 1)",
            Criterion("above", AGREEMENT),
        ),
        Expectation(
            "restore_context",
            "Simple triggers predict the order under context triggers, by restoring pixels.",
            "Kendall's τ of mean restore under simple triggers with that under Input-Aware and WaNet (-1 to 1)",
            Criterion("above", AGREEMENT),
        ),
        Expectation(
            "removal_simple",
            "Two kinds of simple triggers order methods alike by removing pixels.",
            "Kendall's τ of mean MoRF less LeRF under BadNet and Dynamic with that under square and X (-1 to 1)",
            Criterion("above", AGREEMENT),
        ),
        Expectation(
            "removal_context",
            "Simple triggers predict the order under context triggers, by removing pixels.",
            "Kendall's τ of mean MoRF less LeRF under simple triggers with that under Input-Aware and WaNet (-1 to 1)",
            Criterion("above", AGREEMENT),
        ),
    )
    methods: ClassVar[tuple[str, ...]] = ("gradient", *BASELINES, "input_x_guided_backprop", "tif(deeplift, 0.9)")

    def units(self, study: Study) -> Sequence[Unit]:
        """The scores by metrics that ask the network."""
        return [row.scores for row in study.rows(self.methods, METRICS, *SHAPES, *PATCHES, *CONTEXT)]

    def examine(self, study: Study) -> Mapping[str, Estimate | str]:
        """See `Claim`."""
        raise NotImplementedError

    def draw(self, study: Study, width: float) -> Drawing | None:
        """See `Claim`."""
        raise NotImplementedError
