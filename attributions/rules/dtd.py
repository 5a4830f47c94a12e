"""Deep Taylor decomposition (Montavon et al. 2017; P2 eq. 11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass as plain_dataclass
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import torch
from pydantic.dataclasses import dataclass
from torch import Tensor

from peephole.attributions.base import ATTRIBUTIONS
from peephole.attributions.canonical import Canonical
from peephole.attributions.domains import SIGNED_SHARES, Undefined
from peephole.attributions.layers import is_padding
from peephole.attributions.linear import LINEAR, apply
from peephole.attributions.maps import Maps
from peephole.attributions.propagation import Folding, Propagation
from peephole.attributions.relevance import Positive, Sums, by_signs, divided
from peephole.attributions.tape import Step
from peephole.attributions.way import Handlers, logit_of

if TYPE_CHECKING:
    from peephole.attributions.question import Question

PICTURE = "input"
"""The layer whose values have bounds. On the part of a network above a cut there is none of this name."""


@plain_dataclass(frozen=True, eq=False)
class Bounded:
    """zᴮ at a site that reads the picture: ``R_i = Σ_j (z_ij − l_i w_ij⁺ − h_i w_ij⁻) / Σ_k (…) · R_j``.

    Unlike other handlers this one gives the picture its relevance, not a coefficient. A site that is not linear hands
    the picture ``a ⊙`` the coefficient that the rule has for it elsewhere.

    Attributes:
        picture: the number of the picture's value.
        low, high: the bounds ``l`` and ``h`` of the normalised picture, ``[1,C,H,W]``.
        sums: how the rule elsewhere treats sums.
    """

    picture: int
    low: Tensor
    high: Tensor
    sums: Sums = "rule"

    def __call__(self, step: Step, signal: Tensor) -> tuple[Tensor | None, ...]:
        """See `peephole.attributions.tape.Handler`."""
        module = step.site.module
        if not isinstance(module, LINEAR):
            handler = by_signs(Positive(), self.sums).get(step.site.operation)
            sent = step.pull(signal) if handler is None else handler(step, signal)
            return tuple(
                part * leaf.detach() if part is not None and number == self.picture else part
                for part, (number, leaf) in zip(sent, step.leaves, strict=True)
            )
        x, weight = step.input, module.get_parameter("weight")
        low, high = self.low.expand_as(x).contiguous(), self.high.expand_as(x).contiguous()
        parts = [(x, weight), (low, weight.clamp(min=0)), (high, weight.clamp(max=0))]
        with torch.enable_grad():
            leaves = [value.detach().requires_grad_() for value, _ in parts]
            z, of_low, of_high = (apply(module, leaf, part) for leaf, (_, part) in zip(leaves, parts, strict=True))
            product = z - of_low - of_high
        share = divided(step.output.detach() * signal, product.detach())
        relevance = torch.zeros_like(x)
        for leaf, part in zip(leaves, torch.autograd.grad(product, leaves, share), strict=True):
            relevance += leaf.detach() * part
        return (relevance,)


@ATTRIBUTIONS.register
@dataclass(frozen=True)
class DTD(Propagation):
    """The z⁺-rule at every linear module whose input is a layer, and the zᴮ-rule at those that read the picture.

    At ``input`` the map is the zᴮ relevance, ``[B,C,H,W]``; at every other layer it is that of `lrp_alpha1_beta0`. The
    bounds are those of black and white as the network gets them, channel by channel: the model's own normalisation of 0
    and 1. Batch normalisation is folded, the bias takes no share, sums and average pools share by the z⁺-rule like
    any linear map; iNNvestigate's code gives sums and pools the plain gradient, which doubles relevance at every
    residual block. It begins with ``R = f_k`` whatever its sign; iNNvestigate begins with ``max(f_k, 0)``. It loses
    what `lrp_alpha1_beta0` loses.

    Attributes:
        bottom: P2's table I: the zᴮ-rule at the picture and relevance ``A ⊙ r`` elsewhere. Without it the map is what
            P2's filter ``1[W > 0]`` leaves, down to the picture: that of ``lrp_alpha1_beta0(bottom=false)``.
        sums: how residual sums and average pools share. ``"rule"``: by this equation, with their weights;
            ``"proportional"``: in proportion to what they add, as Zennit's ``Norm`` does, which has no bound.
    """

    title: ClassVar[str] = "DTD"
    source: ClassVar[str] = (
        "Montavon, Lapuschkin, Binder, Samek, Müller. Explaining nonlinear classification decisions with deep Taylor "
        "decomposition. Pattern Recognition 65, 2017; eq. 11 of Zheng, Sang, Xu (P2)."
    )

    bottom: bool = True
    sums: Sums = "rule"
    folding: ClassVar[Folding] = Folding.MUST

    def handlers(self) -> Handlers:
        """Shares in proportion to positive contributions."""
        return by_signs(Positive(), self.sums)

    def undefined(self) -> Undefined:
        """Operations that nobody has said a share of."""
        return SIGNED_SHARES

    def whole(self, logits: Tensor, target: Tensor) -> Tensor | None:
        """The logit, where the map is relevance."""
        return logit_of(logits, target) if self.bottom else None

    def read(self, activation: Tensor, signal: Tensor) -> Tensor:
        """Relevance, or its coefficient."""
        return activation * signal if self.bottom else signal

    def explain(self, question: Question, layers: Sequence[str]) -> dict[str, Tensor]:
        """As any propagation; the picture's own relevance arrives ready."""
        if not self.bottom or PICTURE not in layers:
            return super().explain(question, layers)
        graph = question.graph(folded=self.is_folded(question))
        name, bounded = bounds(question, graph)
        way = replace(self.way(graph), readers=((name, replace(bounded, sums=self.sums)),))
        arrived = question.arrived(way)
        maps = {
            layer: arrived[layer].clone() if layer == PICTURE else self.read(question.activation(layer), arrived[layer])
            for layer in layers
        }
        return Maps(maps, self.whole(question.tape().logits, question.target))


def bounds(question: Question, graph: Canonical) -> tuple[str, Bounded]:
    """The zᴮ-rule between what the network's normalisation makes of black and of white.

    A margin that the network's code puts around the picture belongs to the convolution that reads it, as its own
    padding does: the rule stands where the picture with its margin is read, and the margin is bounded by what it is
    made of.

    Returns:
        The name of the cut point that is read, and the rule.
    """
    with torch.no_grad():
        ends = [question.model.run(torch.full_like(question.x[:1], value), until=PICTURE)[0] for value in (0.0, 1.0)]
        name = PICTURE
        names = {graph.cut(cut).value: cut for cut in graph.cuts}
        low, high = torch.minimum(*ends), torch.maximum(*ends)
        for site in graph.sites[graph.depth(PICTURE) :]:
            alone = sum(graph.cut(name).value in other.inputs for other in graph.sites) == 1
            if not (alone and is_padding(site) and site.inputs == (graph.cut(name).value,) and site.output in names):
                break
            name, low, high = names[site.output], site.module(low), site.module(high)
    return name, Bounded(graph.cut(name).value, low, high)
