"""Captum on the canonical graph. On stock networks it trips over the shared in-place ReLUs."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from captum import attr
from captum.attr._utils.lrp_rules import Alpha1_Beta0_Rule, EpsilonRule
from comparison import Comparison, Peer, below, only, since
from measures import Maps, gaps, sums
from subjects import Subject
from torch import nn

from peephole.attributions.adapters.relevance import with_rules

STEPS = 32


@contextmanager
def quiet() -> Iterator[None]:
    """Without what Captum says of its own hooks at every call."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Setting (forward, )?backward hooks", UserWarning, "captum")
        yield


def above(method: Callable[..., Any], **options: Any) -> Peer:
    """A method that explains inputs, on the part of the network above each layer."""

    def maps(subject: Subject, layers: Sequence[str]) -> Maps:
        found = {}
        for layer in layers:
            explain = method(subject.model.above(layer))
            activation = subject.activations[layer].clone().requires_grad_()
            with quiet():
                found[layer] = explain.attribute(activation, target=subject.target, **options)
        return found

    return maps


def at(method: Callable[..., Any], **options: Any) -> Peer:
    """A layer method, on the module whose output the layer is."""

    def maps(subject: Subject, layers: Sequence[str]) -> Maps:
        # The zero of the normalised picture is Captum's baseline: the network begins above the normalisation.
        part, picture = subject.model.above("input"), subject.activations["input"]
        return {
            layer: method(part, part.module(layer)).attribute(picture, target=subject.target, **options)
            for layer in layers
        }

    return maps


def guided_grad_cam(subject: Subject, layers: Sequence[str]) -> Maps:
    """Above each layer, Grad-CAM being that of the network's last."""
    top = subject.model.layers[-1]
    return above(lambda part: attr.GuidedGradCam(part, part.module(top)), interpolate_mode="nearest")(subject, layers)


def times_activation(peer: Peer) -> Peer:
    """A peer's maps times the layers' activations."""

    def maps(subject: Subject, layers: Sequence[str]) -> Maps:
        return {layer: subject.activations[layer] * found for layer, found in peer(subject, layers).items()}

    return maps


def lrp(rule: Callable[[], object]) -> Peer:
    """Captum's relevance propagation with one rule at all linear modules, and its epsilon rule at sums."""

    def maps(subject: Subject, layers: Sequence[str]) -> Maps:
        found = {}
        for layer in layers:
            part = with_rules(subject.model, layer, EpsilonRule)
            for module in part.modules():
                if isinstance(module, nn.Conv2d | nn.Linear):
                    module.rule = rule()  # type: ignore[assignment]
            activation = subject.activations[layer].clone().requires_grad_()
            with torch.enable_grad():
                found[layer] = attr.LRP(part).attribute(activation, target=subject.target)
        return found

    return maps


def rows() -> Iterator[Comparison]:
    """The comparisons with Captum."""
    for subject in ("resnet18", "vgg"):
        for ours, peer, maps in (
            ("gradient", "Saliency(abs=False)", above(attr.Saliency, abs=False)),
            ("input_x_gradient", "InputXGradient", above(attr.InputXGradient)),
            ("input_x_gradient", "LayerGradientXActivation", at(attr.LayerGradientXActivation)),
            ("lrp_z", "InputXGradient", above(attr.InputXGradient)),
            ("lrp_z", "LRP(EpsilonRule)", lrp(EpsilonRule)),
            ("guided_backprop", "GuidedBackprop", above(attr.GuidedBackprop)),
            ("input_x_guided_backprop", "activation × GuidedBackprop", times_activation(above(attr.GuidedBackprop))),
            ("deconv", "Deconvolution", above(attr.Deconvolution)),
            ("grad_cam", "LayerGradCam", at(attr.LayerGradCam)),
        ):
            yield Comparison(subject, ours, f"captum {peer}", maps)
        ours, peer = "guided_grad_cam(interpolation='nearest')", "captum GuidedGradCam(interpolate_mode='nearest')"
        yield Comparison(subject, ours, peer, guided_grad_cam, dtype=torch.float64)
        times = (f"input_x_{ours}", f"captum activation × {peer.removeprefix('captum ')}")
        yield Comparison(subject, *times, times_activation(guided_grad_cam), dtype=torch.float64)
    yield from _alpha1_beta0()
    yield from _deep_lift()
    yield from _integrated_gradients()


def _alpha1_beta0() -> Iterator[Comparison]:
    """Two networks, as negative inputs are the picture's only, or also those above a convolution without a ReLU."""
    row = ("lrp_alpha1_beta0", "captum LRP(Alpha1_Beta0_Rule)", lrp(lambda: Alpha1_Beta0_Rule(set_bias_to_zero=True)))
    why = "it takes positive weights only, also for negative inputs"
    for subject, border in (("resnet18", "relu"), ("vgg", "11")):
        yield Comparison(subject, *row, since(border), remark=sums)
        yield Comparison(subject, *row, below(border), differs=why, remark=sums)


def _deep_lift() -> Iterator[Comparison]:
    row = ("deeplift", "captum DeepLift", above(attr.DeepLift))
    shared = "max-pool beside a ReLU: it hooks one tensor for both, and the lower misses the upper's rule"
    windows = f"{shared}; overlapping windows: its max_unpool keeps one of them"
    for subject, border, why in (("resnet18", "maxpool", windows), ("vgg", "7", shared)):
        yield Comparison(subject, *row, since(border), dtype=torch.float64, remark=gaps)
        yield Comparison(subject, *row, below(border), dtype=torch.float64, differs=why, remark=gaps)


def _integrated_gradients() -> Iterator[Comparison]:
    ours, double = f"integrated_gradients(steps={STEPS})", torch.float64
    plain = (ours, f"captum IntegratedGradients(n_steps={STEPS})", above(attr.IntegratedGradients, n_steps=STEPS))
    yield Comparison("resnet18", *plain, dtype=double, slow=True)
    yield Comparison("vgg", *plain, dtype=double)
    maps = at(attr.LayerIntegratedGradients, n_steps=STEPS)
    layer = (ours, f"captum LayerIntegratedGradients(n_steps={STEPS})", maps)
    why = "it begins at the activation of a zero picture, ours at a zero activation"
    yield Comparison("vgg", *layer, only("input"), dtype=double)
    yield Comparison("vgg", *layer, since("1"), dtype=double, differs=why)
