"""Integrated gradients (Sundararajan et al. 2017), at a layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor

from peephole.attributions.above import gradient_above, variants
from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.maps import Maps
from peephole.attributions.rule import Rule
from peephole.attributions.way import logit_of

if TYPE_CHECKING:
    from peephole.attributions.question import Question

Nodes = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Where on the way from 0 to 1 the gradient is taken, and with which weights."""


def gauss_legendre(steps: int) -> Nodes:
    """Exact for polynomials of degree ``2·steps − 1``; Captum's default."""
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    return (nodes + 1) / 2, weights / 2


def middle(steps: int) -> Nodes:
    """The middles of equal pieces."""
    return (np.arange(steps) + 0.5) / steps, np.full(steps, 1 / steps)


def right(steps: int) -> Nodes:
    """The right ends of equal pieces, as the paper writes it; Zennit's."""
    return (np.arange(steps) + 1) / steps, np.full(steps, 1 / steps)


QUADRATURES: Mapping[str, Callable[[int], Nodes]] = MappingProxyType(
    {"gauss_legendre": gauss_legendre, "middle": middle, "right": right}
)


@ATTRIBUTIONS.register
@dataclass(frozen=True)
class IntegratedGradients(Rule):
    """``A ⊙ ∫₀¹ ∂f_k/∂A (tA) dt``, the baseline a zero activation; ``[B,c,h,w]``, channels kept.

    At a layer only the part of the network above it runs, as P1 cuts "the model into two halves". At ``input`` the
    baseline is the zero of the normalised picture, the mean colour, as in every implementation we know. The map of
    a layer sums to ``f_k(A) − f_k(0)`` up to the error of the quadrature. Steps elsewhere: Captum 50 Gauss-Legendre,
    Zennit 20 right ends, iNNvestigate 64, DeepExplain 50.

    Attributes:
        steps: passes.
        quadrature: how they lie on the way.
    """

    title: ClassVar[str] = "Integrated Gradients"
    source: ClassVar[str] = "Sundararajan, Taly, Yan. Axiomatic attribution for deep networks. ICML 2017."

    steps: Annotated[int, Field(ge=1)] = 32
    quadrature: Literal["gauss_legendre", "middle", "right"] = "gauss_legendre"

    def explain(self, question: Question, layers: Sequence[str]) -> dict[str, Tensor]:
        """The map of every layer, each from passes of its own."""
        maps = {layer: self._at(question, layer) for layer in layers}
        return Maps(maps, {layer: self._whole(question, layer) for layer in layers})

    def _whole(self, question: Question, layer: str) -> Tensor:
        """``f_k(A) − f_k(0)``."""
        zero = torch.zeros_like(question.state(layer))
        # One row serves all pictures, where a row is a picture.
        alone = all(site.batch_first for site in question.model.sites)
        with torch.no_grad():
            base = question.graph(folded=True).run(zero[:1] if alone else zero, after=layer)[0]
        logits, target = question.tape().logits, question.target
        return logit_of(logits, target) - logit_of(base.expand_as(logits), target)

    def _at(self, question: Question, layer: str) -> Tensor:
        model, activation = question.graph(folded=True), question.state(layer)
        nodes, weights = (torch.from_numpy(part).to(activation) for part in QUADRATURES[self.quadrature](self.steps))
        total = torch.zeros_like(activation)
        for some in torch.arange(self.steps).split(variants(question.x)):
            share, weight = (part[some].reshape(-1, *[1] * activation.ndim) for part in (nodes, weights))
            values = (share * activation).flatten(0, 1)
            gradient = gradient_above(model, layer, values, question.target.repeat(len(some)))
            total += (weight * gradient.unflatten(0, (len(some), -1))).sum(0)
        return model.picture(layer, activation * total)
