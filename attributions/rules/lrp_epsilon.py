"""Layer-wise relevance propagation by the ε-rule (Bach et al. 2015)."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.domains import WHOLE_SHARES, Undefined
from peephole.attributions.propagation import Folding, Propagation
from peephole.attributions.relevance import Epsilon, Sums, by_wholes
from peephole.attributions.way import Handlers, logit_of


@ATTRIBUTIONS.register
@dataclass(frozen=True)
class LRPEpsilon(Propagation):
    """``R_i = Σ_j z_ij / (y_j + ε_j sign y_j) · R_j``: weak and contradictory outputs hand on less; ``[B,c,h,w]``.

    ``y_j`` is the output with its bias, which keeps its share; what ε absorbs is lost on purpose. By default
    ``ε_j = 0.25 · √mean(y²)`` over the picture's outputs of the module, as in the tutorial code of Montavon et al. 2019
    (there with a square root of the mean over the same). Zennit's and iNNvestigate's ε of 1e-6 and 1e-7 is absolute and
    leaves the z-rule as it is: ``lrp_epsilon(epsilon=1e-6, relative=false)``.

    A residual sum and an average pool are linear maps like any other, and ε damps them as well.

    Attributes:
        epsilon: ε, as a share of the root mean square or absolute.
        relative: which of the two.
        bottom: the map is the relevance ``A ⊙ r`` (P2's table I); without it, ``r``.
        sums: how residual sums and average pools share. ``"rule"``: by this equation, with their weights;
            ``"proportional"``: in proportion to what they add, as Zennit's ``Norm`` does, which has no bound.
    """

    title: ClassVar[str] = "LRP-ε"
    source: ClassVar[str] = (
        "Bach et al. PLoS ONE 10(7), 2015; Montavon, Binder, Lapuschkin, Samek, Müller. Layer-wise relevance "
        "propagation: an overview. In: Explainable AI, Springer 2019."
    )

    epsilon: Annotated[float, Field(ge=0)] = 0.25
    relative: bool = True
    bottom: bool = True
    sums: Sums = "rule"
    folding: ClassVar[Folding] = Folding.MUST

    def compares_pictures_numbers(self) -> bool:
        """ε may be a share of a picture's root mean square."""
        return self.relative

    def handlers(self) -> Handlers:
        """Shares in proportion to the whole contribution, less what ε absorbs."""
        return by_wholes(Epsilon(self.epsilon, relative=self.relative), self.sums)

    def undefined(self) -> Undefined:
        """Operations that nobody has said a share of."""
        return WHOLE_SHARES

    def whole(self, logits: Tensor, target: Tensor) -> Tensor | None:
        """The logit, where the map is relevance."""
        return logit_of(logits, target) if self.bottom else None

    def read(self, activation: Tensor, signal: Tensor) -> Tensor:
        """Relevance, or its coefficient."""
        return activation * signal if self.bottom else signal
