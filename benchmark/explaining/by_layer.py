"""Each layer's activation sent back to the picture, beside the attribution of the whole network (P2, section V-A).

What arrives at a layer on the way back is replaced by the layer's own activation, and a rule takes that on to the
input: what of the picture is lost in that map was lost below the layer. From one layer to the next, the change is what
the layers between them make of the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from peephole.attributions.canonical import Canonical
from peephole.attributions.methods import build
from peephole.attributions.question import Question
from peephole.errors import PeepholeError

RULE = "guided_backprop"
"""That of P2's figure 7: negative signal is filtered, and nothing else changed."""


@dataclass(frozen=True, eq=False)
class ByLayer:
    """Maps of some pictures at the input, signed.

    Attributes:
        layers: the network's, from the first above the input up.
        layer_maps: float32 ``[L,B,C,H,W]``, from each layer's activation down.
        whole: float32 ``[T,B,C,H,W]``, of the whole network for each of T targets.
        seen: float32 ``[B,C,H,W]``, the pictures as the network gets them.
    """

    layers: tuple[str, ...]
    layer_maps: Tensor
    whole: Tensor
    seen: Tensor


def by_layer(model: Canonical, x: Tensor, targets: Sequence[Tensor], method: str = RULE) -> ByLayer:
    """Explain pictures.

    Args:
        model: the canonical graph of the network.
        x: float32 ``[B,C,H,W]`` in [0,1].
        targets: T of int64 ``[B]``.
        method: a rule of one backward pass.

    Raises:
        PeepholeError: there is no such method, or it is no such rule, or sums the channels.
    """
    bottom, *layers = model.layers
    rules = [build(text_of(method, layer)) for layer in layers]
    question = Question(model, x, targets[0], (bottom,))
    maps = [question.maps(rule)[bottom].detach() for rule in rules]
    rule = build(method)
    whole = [Question(model, x, target, (bottom,)).maps(rule)[bottom].detach() for target in targets]
    if any(len(each[0]) != len(x[0]) for each in (*maps, *whole)):
        raise PeepholeError(
            f"{method} has maps without the picture's channels, which is what is looked at; take a rule that keeps "
            "them, such as guided_backprop."
        )
    with torch.no_grad():
        seen: Tensor = model.run(x, until=bottom)[0]
    return ByLayer(tuple(layers), torch.stack(maps), torch.stack(whole), seen)


def text_of(method: str, layer: str | None = None) -> str:
    """The text of the rule that goes down from the activation of a layer, the last if none is named."""
    at = "" if layer is None else f", layer='{layer}'"
    return f"from_activation({method}{at})"


def cosine(maps: Tensor, others: Tensor) -> Tensor:
    """The cosine of maps ``[...,C,H,W]`` with others that broadcast to them, float64 ``[...]``; NaN where one is 0."""
    one, other = (_scaled(each).flatten(-3) for each in torch.broadcast_tensors(maps, others))
    size = one.norm(dim=-1) * other.norm(dim=-1)
    return torch.where(size > 0, (one * other).sum(-1) / size.where(size > 0, 1.0), torch.nan).clamp(-1, 1)


def colour(maps: Tensor) -> Tensor:
    """The share of the energy of maps ``[...,C,H,W]`` that is not the same in all channels, float64 ``[...]`` in [0,1].

    NaN where a map is zero.
    """
    values = _scaled(maps)
    grey = values.mean(dim=-3, keepdim=True)
    whole = values.square().flatten(-3).sum(-1)
    rest = (values - grey).square().flatten(-3).sum(-1)
    return torch.where(whole > 0, rest / whole.where(whole > 0, 1.0), torch.nan)


def _scaled(maps: Tensor) -> Tensor:
    """In double precision, and the largest 1: squares of small numbers would be zero."""
    peak = maps.double().abs().flatten(-3).amax(-1)[..., None, None, None]
    return maps.double() / peak.where(peak > 0, 1.0)
