"""Cascades of one rule at many levels at once; what they share is gone once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from peephole.attributions.rules.cascade import Cascade
from peephole.attributions.way import one_hot

if TYPE_CHECKING:
    from peephole.attributions.propagation import Propagation
    from peephole.attributions.question import Question


def signals_by_level(method: Propagation, question: Question, levels: Sequence[int]) -> Iterator[Tensor]:
    """What arrives at the lowest layer by ``cascade(method, levels=N)`` for each N, ``[B,c,h,w]``.

    The rule goes its whole way once, and from each border down the gradient is gone by automatic differentiation of the
    part below. So a level costs the part below its border, whatever the rule, and only one signal is kept at a time.

    Args:
        method: the rule at the top.
        question: about the lowest layer of the network.
        levels: N of each; 0 is the gradient, the number of layers the rule alone.

    Raises:
        PeepholeError: the rule cannot be mixed with the gradient.
    """
    folded = Cascade(method=method, levels=1).is_folded(question)
    tape, target = question.tape(folded=folded), question.target
    graph = tape.model
    layers = graph.layers
    arrived = method.way(graph).go(tape, target, layers)
    with torch.enable_grad():
        x = tape.activation(layers[0]).requires_grad_()
        logits, values = graph.run(x, after=layers[0], keep=layers)
    for level in levels:
        if level == len(layers):
            yield arrived[layers[0]]
            continue
        top, signal = (values[layers[-level]], arrived[layers[-level]]) if level else (logits, one_hot(logits, target))
        (found,) = torch.autograd.grad(top, x, signal, retain_graph=True, allow_unused=True)
        yield torch.zeros_like(x) if found is None else found
