"""One forward and one backward pass that give the gradient, or what a rule makes of it, at every layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from peephole.attributions.canonical import Caller, Canonical, its_module
from peephole.attributions.site import Site

Substitution = Callable[..., Tensor]
"""Called as ``substitution(module, *inputs)``: gives what the module gives, with another backward pass."""


@dataclass(frozen=True)
class Signal:
    """What one forward and one backward pass found.

    Attributes:
        logits: ``[B,classes]``.
        activation: the tensor at each layer that was asked for, ``[B,…]``.
        gradient: what arrived there on the way back from the target's logit; same shape.
    """

    logits: Tensor
    activation: dict[str, Tensor]
    gradient: dict[str, Tensor]


def by_type(substitutions: Mapping[type[nn.Module], Substitution]) -> Caller:
    """Call the substitution of each module's type, or of the nearest base class that has one, else the module."""

    def call(site: Site) -> Callable[..., Any]:
        for kind in type(site.module).__mro__:
            if kind in substitutions:
                return partial(substitutions[kind], site.module)
        return site.module

    return call


def backward(model: Canonical, x: Tensor, target: Tensor, layers: Sequence[str], call: Caller = its_module) -> Signal:
    """Propagate the logit of each picture's target back to all ``layers`` at once.

    Below the lowest layer nothing is recorded. No hook is set, no module changed; grad mode and random state stay
    as they are. The samples of a batch do not meet: the sum of their logits is what is differentiated.

    Args:
        model: a canonical graph, or its part above a cut point.
        x: what the model takes, ``[B,…]``.
        target: int64 ``[B]``.
        layers: names of cut points.
        call: what to call at each call site, see `by_type`.
    """
    lowest = min(layers, key=model.depth)
    with torch.no_grad():
        start = model.run(x, until=lowest)[0]
    with torch.enable_grad():
        start = start.detach().requires_grad_()
        logits, kept = model.run(start, after=lowest, keep=layers, call=call)
        score = logits.gather(1, target[:, None]).sum()
        wanted = [kept[layer] for layer in layers]
        # A network that detaches a tensor has no gradient below it: zeros, as for any value that changes nothing.
        if score.requires_grad:
            gradients = torch.autograd.grad(score, wanted, materialize_grads=True)
        else:
            gradients = tuple(torch.zeros_like(tensor) for tensor in wanted)
    return Signal(
        logits.detach(),
        {layer: kept[layer].detach() for layer in layers},
        dict(zip(layers, gradients, strict=True)),
    )
