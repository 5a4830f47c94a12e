"""LRP with α = 1 and β = 0, the z⁺-rule (Bach et al. 2015; P2 eq. 10)."""

from __future__ import annotations

from typing import ClassVar

from pydantic.dataclasses import dataclass
from torch import Tensor

from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.domains import SIGNED_SHARES, Undefined
from peephole.attributions.propagation import Folding, Propagation
from peephole.attributions.relevance import Positive, Sums, by_signs
from peephole.attributions.way import Handlers, logit_of


@ATTRIBUTIONS.register
@dataclass(frozen=True)
class LRPAlpha1Beta0(Propagation):
    """``R_i = Σ_j z_ij⁺ / Σ_k z_kj⁺ · R_j`` from ``R = f_k`` at the target's logit; ``[B,c,h,w]``, channels kept.

    ``z⁺ = a⁺w⁺ + a⁻w⁻``, so negative inputs (the normalised picture) count with negative weights; Captum ignores them.
    Batch normalisation is folded, the bias takes no share, a residual sum is shared in proportion to its branches: as a
    branch may be negative, so may its relevance. The map of each layer sums to the logit, but for the relevance of
    outputs that have no positive contribution at all: eq. 10 says nothing of them, and here as in Zennit it is lost.
    Wide networks have no such outputs; in a narrow one (ResNet8 with backdoors) it was up to a quarter of the logit on
    single pictures.

    Attributes:
        bias: give the positive part of a bias its share, which is then lost (Zennit unless told ``zero_params``).
        bottom: the map is the relevance ``A ⊙ r`` (P2's table I); without it, ``r``, what P2's filter
            ``1[W > 0]`` leaves of the gradient, up to the normalisation.
        sums: how residual sums and average pools share. ``"rule"``: by this equation, with their weights;
            ``"proportional"``: in proportion to what they add, as Zennit's ``Norm`` does, which has no bound.
    """

    title: ClassVar[str] = "LRP-α1β0"
    source: ClassVar[str] = "Bach et al. PLoS ONE 10(7), 2015; eq. 10 of Zheng, Sang, Xu (P2)."

    bias: bool = False
    bottom: bool = True
    sums: Sums = "rule"
    folding: ClassVar[Folding] = Folding.MUST

    def handlers(self) -> Handlers:
        """Shares in proportion to positive contributions."""
        return by_signs(Positive(self.bias), self.sums)

    def undefined(self) -> Undefined:
        """Operations that nobody has said a share of."""
        return SIGNED_SHARES

    def whole(self, logits: Tensor, target: Tensor) -> Tensor | None:
        """The logit, where the map is relevance."""
        return logit_of(logits, target) if self.bottom else None

    def read(self, activation: Tensor, signal: Tensor) -> Tensor:
        """Relevance, or its coefficient."""
        return activation * signal if self.bottom else signal
