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
    Normalisation by fixed statistics is folded into the linear map before it; where it stands elsewhere, its one input
    gets all. The bias takes no share. A residual sum and an average pool are linear maps with fixed weights: of a sum
    each branch gets ``a⁺ / (a⁺ + b⁺)``. So no input gets more than its output has, however deep the network is, and
    relevance keeps the sign of the logit. What has no positive contribution at all loses its relevance, of which eq. 10
    says nothing (Zennit loses it, too): outputs of depthwise convolutions (a trained EfficientNet-Lite0 keeps half a
    percent of the logit at the picture, its linear bottlenecks included), of narrow networks (ResNet8: up to a quarter
    lost on single pictures), and what a normalisation right behind a ReLU makes of a zero. ResNets and VGG keep
    practically all. What is lost comes with the maps, `peephole.attributions.maps.Maps.lost`.

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
