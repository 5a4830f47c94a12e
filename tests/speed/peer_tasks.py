"""Other libraries doing the same work, with one call a layer where they have no other way."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from typing import Any

import torch
from captum import attr
from pytorch_grad_cam import ScoreCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor
from work import Bench, Run, Task
from zennit import composites, rules
from zennit.attribution import Gradient
from zennit.layer import Sum
from zennit.types import AvgPool, Linear

from peephole.attributions.adapters.sequence import in_sequence
from peephole.attributions.adapters.zennit import Summed
from peephole.attributions.canonical import Canonical
from peephole.attributions.folding import fold_batch_norm
from peephole.attributions.operations import Add
from peephole.attributions.way import one_hot

ROWS = 32
"""Rows a pass, as in our rules, where a library takes another number unless told."""


def tasks(bench: Bench) -> list[Task]:
    """The libraries' tasks at the layers of ours."""
    model, last = bench.canonical, bench.canonical.layers[-1:]
    integrated = partial(at_module, model, attr.LayerIntegratedGradients, n_steps=32)
    rows = f"{ROWS} rows a pass"
    many = [
        ("integrated_gradients", "captum LayerIntegratedGradients", integrated(), model.layers),
        (
            "integrated_gradients",
            f"captum LayerIntegratedGradients, {rows}",
            integrated(internal_batch_size=ROWS),
            model.layers,
        ),
        ("score_cam", "grad-cam ScoreCAM, last layer", score_cam(model), last),
        ("score_cam", f"grad-cam ScoreCAM, last layer, {rows}", score_cam(model, ROWS), last),
    ]
    return [
        *(Task(*line, model.layers, peer=True) for line in (*_captum(model), *_zennit(model))),
        *(Task(*line, slow=True, peer=True) for line in many),
    ]


def _captum(model: Canonical) -> Iterator[tuple[str, str, Run]]:
    product = attr.LayerGradientXActivation
    bare = at_module(model, partial(product, multiply_by_inputs=False))
    yield "gradient", "captum LayerGradientXActivation(multiply_by_inputs=False)", bare
    yield "input_x_gradient", "captum LayerGradientXActivation", at_module(model, product)
    yield "input_x_gradient", "captum LayerGradientXActivation, all layers in one call", one_call(model)
    yield "grad_cam", "captum LayerGradCam", at_module(model, attr.LayerGradCam)
    yield "guided_backprop", "captum GuidedBackprop", above(model, attr.GuidedBackprop)
    yield "deconv", "captum Deconvolution", above(model, attr.Deconvolution)
    yield "deeplift", "captum DeepLift", above(model, attr.DeepLift)


def _zennit(model: Canonical) -> Iterator[tuple[str, str, Run]]:
    proportional = [(Sum, rules.Norm()), (AvgPool, rules.Norm())]
    plus = composites.LayerMapComposite([*proportional, (Linear, rules.ZPlus(zero_params="bias"))])
    for rule, name, composite in (
        ("guided_backprop", "GuidedBackprop", composites.GuidedBackprop()),
        ("lrp_alpha1_beta0", "ZPlus", plus),
        ("excitation_backprop", "ExcitationBackprop", composites.ExcitationBackprop(zero_params="bias")),
    ):
        yield rule, f"zennit {name}", composed(model, composite)
        yield rule, f"zennit {name}, all layers in one pass", composed_once(model, composite)


def at_module(model: Canonical, method: Callable[..., Any], **options: Any) -> Run:
    """A layer method of Captum, layer by layer."""

    def run(x: Tensor, target: Tensor, layers: Sequence[str]) -> None:
        for layer in layers:
            method(model, model.module(layer)).attribute(x, target=target, **options)

    return run


def one_call(model: Canonical) -> Run:
    """The one method of Captum that takes several layers."""

    def run(x: Tensor, target: Tensor, layers: Sequence[str]) -> None:
        attr.LayerGradientXActivation(model, [model.module(layer) for layer in layers]).attribute(x, target)

    return run


def above(model: Canonical, method: Callable[..., Any]) -> Run:
    """A method of Captum on the part above each layer, after one forward pass for the activations."""
    part = cache(model.above)

    def run(x: Tensor, target: Tensor, layers: Sequence[str]) -> None:
        for layer, activation in _activations(model, x, layers).items():
            method(part(layer)).attribute(activation.requires_grad_(), target=target)

    return run


def composed(model: Canonical, composite: Any) -> Run:
    """A composite of Zennit on the part above each layer, which is made beforehand."""
    whole = _for_zennit(model)
    part = cache(whole.above)

    def run(x: Tensor, target: Tensor, layers: Sequence[str]) -> None:
        for layer, activation in _activations(whole, x, layers).items():
            with Gradient(part(layer), composite) as explain:
                explain(activation.requires_grad_(), lambda logits: logits * one_hot(logits, target))

    return run


def composed_once(model: Canonical, composite: Any) -> Run:
    """A composite of Zennit on the whole network; the tensors between modules are kept, and all asked for at once."""
    whole = _for_zennit(model)

    def run(x: Tensor, target: Tensor, layers: Sequence[str]) -> None:
        with composite.context(whole):
            logits, kept = whole.run(x.clone().requires_grad_(), keep=layers)
            torch.autograd.grad(logits, [kept[layer] for layer in layers], logits.detach() * one_hot(logits, target))

    return run


def score_cam(model: Canonical, rows: int | None = None) -> Run:
    """pytorch-grad-cam's Score-CAM, layer by layer, with its own number of rows a pass or another."""

    def run(x: Tensor, target: Tensor, layers: Sequence[str]) -> None:
        targets = [ClassifierOutputTarget(label) for label in target.tolist()]
        for layer in layers:
            # It draws a progress bar there.
            with contextlib.redirect_stderr(io.StringIO()), ScoreCAM(model, [model.module(layer)]) as cam:
                if rows is not None:
                    cam.batch_size = rows
                cam(x, targets)

    return run


def _for_zennit(model: Canonical) -> Canonical:
    return in_sequence(fold_batch_norm(model), lambda module: Summed(Sum) if isinstance(module, Add) else module)


def _activations(model: Canonical, x: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
    with torch.no_grad():
        kept = model.run(x, keep=layers)[1]
    return {layer: kept[layer].clone() for layer in layers}
