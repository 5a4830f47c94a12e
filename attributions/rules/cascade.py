"""Cascade substitution: one rule at the top, another below (P2 definition 3)."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.canonical import Canonical
from peephole.attributions.combining import OnePass
from peephole.attributions.domains import Undefined
from peephole.attributions.propagation import Folding, Propagation
from peephole.attributions.rules.gradient import Gradient
from peephole.attributions.rules.guided_backprop import GuidedBackprop
from peephole.attributions.way import Way
from peephole.errors import PeepholeError


@ATTRIBUTIONS.register
@dataclass(frozen=True)
class Cascade(Propagation):
    """``r_{l−1} = F(r_l)`` for the top ``levels`` layers, ``r_{l−1} = W_l M_l r_l`` below (P2 eq. 19); ``[B,c,h,w]``.

    The signal of every rule here is a coefficient, so any two can be mixed. Levels count the network's layers from the
    top: the first is everything above the last layer (the head), each further one reaches a layer lower. 0 is ``below``
    alone, the number of layers ``method`` alone. The start of the signal is the upper rule's.

    Attributes:
        method: the rule at the top, F.
        levels: N.
        below: the rule underneath; the paper's is the gradient.
        bottom: multiply what arrives by the activation. The paper measures the alignment of what arrives.
    """

    title: ClassVar[str] = "Cascade substitution"
    source: ClassVar[str] = (
        "Zheng, Sang, Xu. Unifying perplexing behaviors in modified BP attributions through alignment perspective. "
        "Definition 3."
    )

    method: OnePass = GuidedBackprop()
    levels: Annotated[int, Field(ge=0)] = 1
    below: OnePass = Gradient()
    bottom: bool = False

    @property
    def folding(self) -> Folding:  # type: ignore[override]
        """As the rules ask for it.

        Raises:
            PeepholeError: one asks for folding, the other for none.
        """
        asked = {self.method.folding, self.below.folding} - {Folding.MAY}
        if len(asked) > 1:
            raise PeepholeError("cascade: one rule needs batch normalisation folded, the other as it is; mix others.")
        return asked.pop() if asked else Folding.MAY

    def undefined(self) -> Undefined:
        """As both rules."""
        return {**self.below.undefined(), **self.method.undefined()}

    def compares_pictures_numbers(self) -> bool:
        """As both rules."""
        return self.method.compares_pictures_numbers() or self.below.compares_pictures_numbers()

    def cuts(self) -> tuple[str, ...]:
        """Those of both rules."""
        return self.method.cuts() + self.below.cuts()

    def way(self, model: Canonical) -> Way:
        """The upper rule's handlers down to a layer, the lower rule's from there."""
        if self.levels > len(model.layers):
            raise PeepholeError(f"levels={self.levels}, but the network has {len(model.layers)} layers; give fewer.")
        upper, lower = self.method.way(model), self.below.way(model)
        border = model.depth(model.layers[-self.levels]) if self.levels else len(model.sites)
        parts = [(max(depth, border), handlers) for depth, handlers in upper.parts]
        changes = [one for one in upper.changes if model.depth(one[0]) >= border]
        changes += [one for one in lower.changes if model.depth(one[0]) < border]
        start = upper.start if self.levels else lower.start
        return Way((*parts, *lower.parts), start, tuple(changes))

    def read(self, activation: Tensor, signal: Tensor) -> Tensor:
        """What arrived, times the activation if asked for."""
        return activation * signal if self.bottom else signal
