"""Layer-wise relevance propagation by the z-rule (Bach et al. 2015; P2 eq. 8)."""

from __future__ import annotations

from typing import ClassVar

from pydantic.dataclasses import dataclass
from torch import Tensor

from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.domains import WHOLE_SHARES, Undefined
from peephole.attributions.propagation import Folding, Propagation
from peephole.attributions.relevance import Epsilon, by_wholes
from peephole.attributions.way import Handlers, logit_of


@ATTRIBUTIONS.register
@dataclass(frozen=True)
class LRPZ(Propagation):
    """``R_i = Σ_j z_ij / Σ_k z_kj · R_j``, from ``R = f_k`` at the target's logit; ``[B,c,h,w]``, channels kept.

    A bias is one more input that keeps its share, of a convolution as of a normalisation by fixed statistics, and a
    residual sum is shared in proportion. Of a network of ReLUs this is input×gradient at every layer (Ancona et al.
    2018), so the two tie on every board: the rule is here to show it. The rules that follow differ, and so does this
    one where activations are no ReLUs: relevance passes them whole. Without biases the map sums to the logit.

    Attributes:
        bottom: the map is the relevance ``A ⊙ r`` (P2's table I); without it, ``r``: the gradient.
    """

    title: ClassVar[str] = "LRP-z"
    source: ClassVar[str] = (
        "Bach, Binder, Montavon, Klauschen, Müller, Samek. On pixel-wise explanations for non-linear classifier "
        "decisions by layer-wise relevance propagation. PLoS ONE 10(7), 2015; eq. 8 of Zheng, Sang, Xu (P2)."
    )

    bottom: bool = True
    folding: ClassVar[Folding] = Folding.MUST

    def handlers(self) -> Handlers:
        """Shares in proportion to the whole contribution."""
        return by_wholes(Epsilon(0.0, relative=False))

    def undefined(self) -> Undefined:
        """Operations that nobody has said a share of."""
        return WHOLE_SHARES

    def whole(self, logits: Tensor, target: Tensor) -> Tensor | None:
        """The logit, where the map is relevance."""
        return logit_of(logits, target) if self.bottom else None

    def read(self, activation: Tensor, signal: Tensor) -> Tensor:
        """Relevance, or its coefficient."""
        return activation * signal if self.bottom else signal
