"""Excitation backpropagation (Zhang et al. 2018)."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from pydantic.dataclasses import dataclass
from torch import Tensor

from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.canonical import Canonical
from peephole.attributions.domains import SIGNED_SHARES, Undefined
from peephole.attributions.propagation import Folding, Propagation
from peephole.attributions.relevance import Positive, Sums, by_signs
from peephole.attributions.way import Handlers, Way


def probability(logits: Tensor, target: Tensor) -> Tensor:
    """The coefficient of a winning probability of 1 at the target, whatever its logit: ``1 / f_k``."""
    logit = logits.gather(1, target[:, None])
    sign = torch.where(logit < 0, -1.0, 1.0)
    return torch.zeros_like(logits).scatter_(1, target[:, None], (sign / logit.abs().clamp(min=1e-12)).to(logits))


@ATTRIBUTIONS.register
@dataclass(frozen=True)
class ExcitationBackprop(Propagation):
    """Marginal winning probability: ``P_i = Σ_j w_ij⁺ a_i / Σ_k w_kj⁺ a_k · P_j`` from ``P = 1`` at the target.

    ``[B,c,h,w]``, channels kept. For activations that are nowhere negative, which the paper asks for, the rule is
    `lrp_alpha1_beta0` divided by the logit; a negative logit makes the difference. The normalised picture has negative
    values: they count with negative weights (Zennit does the same; the paper stops above the picture). No bias. The
    paper knows no batch normalisation and no residual sum: here the former is folded or, by option, passed unchanged as
    later ports do; the latter is a linear map with weights 1 (TorchRay shares it in proportion to its branches; the
    Caffe code of the authors sends everything into one branch). The contrastive variant is not meant by this name.

    Attributes:
        batch_norm: ``"fold"`` into the convolution before it, or ``"identity"``: probability passes it unchanged and
            the convolution's own weights decide, which mistakes the sign of a negative scale.
        sums: how residual sums and average pools share. ``"rule"``: by this equation, with their weights;
            ``"proportional"``: in proportion to what they add, as Zennit's ``Norm`` does, which has no bound.
    """

    title: ClassVar[str] = "Excitation Backprop"
    source: ClassVar[str] = (
        "Zhang, Bargal, Lin, Brandt, Shen, Sclaroff. Top-down neural attention by excitation backprop. International "
        "Journal of Computer Vision 126, 2018."
    )

    batch_norm: Literal["fold", "identity"] = "fold"
    sums: Sums = "rule"

    @property
    def folding(self) -> Folding:  # type: ignore[override]
        """Whether batch normalisation is folded."""
        return Folding.MUST if self.batch_norm == "fold" else Folding.NEVER

    def handlers(self) -> Handlers:
        """Shares in proportion to positive contributions."""
        return by_signs(Positive(), self.sums)

    def undefined(self) -> Undefined:
        """Operations that nobody has said a share of."""
        return SIGNED_SHARES

    def way(self, model: Canonical) -> Way:
        """From a probability of 1."""
        return Way.of(self.handlers(), probability)

    def whole(self, logits: Tensor, target: Tensor) -> Tensor | None:
        """A probability of 1."""
        return torch.ones_like(logits[:, 0])

    def read(self, activation: Tensor, signal: Tensor) -> Tensor:
        """The probability."""
        return activation * signal
