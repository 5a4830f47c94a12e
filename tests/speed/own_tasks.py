"""Our rules, and what each may take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from torch import Tensor
from work import Bench, Task

from peephole.attributions.base import ATTRIBUTIONS, Attribution, layers_of
from peephole.attributions.methods import build
from peephole.attributions.propagation import Propagation
from peephole.attributions.question import Question

SLOW = frozenset({"cameras", "input_x_smoothgrad", "integrated_gradients", "score_cam", "smoothgrad"})
"""The rules of many passes."""

AT_MOST: Mapping[str, float] = {
    **dict.fromkeys(("gradient", "input_x_gradient", "guided_backprop", "input_x_guided_backprop"), 1.25),
    **dict.fromkeys(("deconv", "rectgrad", "grad_cam", "activation"), 1.25),
    **dict.fromkeys(("lrp_alpha1_beta0", "dtd", "excitation_backprop"), 2.5),
    "deeplift": 8.0,
}
"""Passes that a rule may take for all layers."""

HALF_OF_THE_PEER = frozenset({"integrated_gradients", "score_cam"})
"""The rules that may take half as many passes as the library that does the same, called without further options."""

TOGETHER = "together"


def tasks(bench: Bench) -> list[Task]:
    """Every registered rule at all its layers; Score-CAM at the last, as there is a pass a channel."""
    model = bench.canonical
    found = [_task(name, build(name), bench) for name in ATTRIBUTIONS]
    methods = {name: build(name) for name in one_pass()}

    def together(x: Tensor, target: Tensor, layers: Sequence[str]) -> None:
        question = Question(model, x, target, layers)
        for method in methods.values():
            question.maps(method, [layer for layer in layers_of(method, model) if layer in layers])

    return [*found, Task(TOGETHER, "all one-pass rules together", together, model.layers)]


def one_pass() -> list[str]:
    """The rules that are one way back each, and can share the forward pass."""
    return [name for name in ATTRIBUTIONS if issubclass(ATTRIBUTIONS[name], Propagation)]


def _task(name: str, method: Attribution, bench: Bench) -> Task:
    layers = bench.canonical.layers[-1:] if name == "score_cam" else layers_of(method, bench.canonical)
    title = f"{name}, last layer" if name == "score_cam" else name
    return Task(name, title, partial(method.attribute, bench.canonical), layers, name in SLOW)
