"""Layer-wise relevance propagation by the αβ-rule (Bach et al. 2015; P2 eq. 9)."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.domains import SIGNED_SHARES, Undefined
from peephole.attributions.propagation import Folding, Propagation
from peephole.attributions.relevance import AlphaBeta, Sums, by_signs
from peephole.attributions.way import Handlers, logit_of


@ATTRIBUTIONS.register
@dataclass(frozen=True)
class LRPAlphaBeta(Propagation):
    """``R_i = Σ_j (α z_ij⁺ / Σ_k z_kj⁺ − β z_ij⁻ / Σ_k z_kj⁻) R_j`` with ``β = α − 1``; ``[B,c,h,w]``, channels kept.

    Bach et al. use α = 2, β = 1, the default here; α = 1 has its own entry, `lrp_alpha1_beta0`. Batch normalisation is
    folded, the bias takes no share (Zennit's default leaves it one in the denominator, iNNvestigate offers both). A
    residual sum and an average pool share by the same equation, with their fixed weights. An output that has
    contributions of one sign only hands all its relevance to them (others lose or make some there), so the map of each
    layer sums to the logit but for outputs without any contribution, whose input is zero all over: they lose theirs,
    `peephole.attributions.maps.Maps.lost`.

    Attributes:
        alpha: α, at least 1.
        bias: give the bias its share, which is then lost.
        bottom: the map is the relevance ``A ⊙ r`` (P2's table I); without it, ``r``.
        sums: how residual sums and average pools share. ``"rule"``: by this equation, with their weights;
            ``"proportional"``: in proportion to what they add, as Zennit's ``Norm`` does, which has no bound.
    """

    title: ClassVar[str] = "LRP-αβ"
    source: ClassVar[str] = "Bach et al. PLoS ONE 10(7), 2015; eq. 9 of Zheng, Sang, Xu (P2)."

    alpha: Annotated[float, Field(ge=1)] = 2.0
    bias: bool = False
    bottom: bool = True
    sums: Sums = "rule"
    folding: ClassVar[Folding] = Folding.MUST

    def handlers(self) -> Handlers:
        """Shares in proportion to positive and to negative contributions apart."""
        return by_signs(AlphaBeta(self.alpha, self.alpha - 1, bias=self.bias), self.sums)

    def undefined(self) -> Undefined:
        """Operations that nobody has said a share of."""
        return SIGNED_SHARES

    def whole(self, logits: Tensor, target: Tensor) -> Tensor | None:
        """The logit, where the map is relevance."""
        return logit_of(logits, target) if self.bottom else None

    def read(self, activation: Tensor, signal: Tensor) -> Tensor:
        """Relevance, or its coefficient."""
        return activation * signal if self.bottom else signal
