"""Captum on the canonical graph. On stock networks it trips over the shared in-place ReLUs."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from captum import attr
from captum.attr._utils.lrp_rules import Alpha1_Beta0_Rule, EpsilonRule
from comparison import Comparison, Peer, below, only, since
from measures import Maps, gaps, sums
from subjects import Subject
from torch import nn

from peephole.attributions.adapters.relevance import with_rules
from peephole.attributions.operations import Add, WeightedSum

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
                values = explain.attribute(activation, target=subject.target, **options)
            found[layer] = subject.model.picture(layer, values)
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


def lrp(rule: Callable[[], object], fixed: Callable[[], object] = EpsilonRule) -> Peer:
    """Captum's relevance propagation with one rule at all linear modules, and one at sums and averages.

    By default the latter is its epsilon rule with an epsilon that is not seen.
    """

    def maps(subject: Subject, layers: Sequence[str]) -> Maps:
        found = {}
        for layer in layers:
            part = with_rules(subject.model, layer, EpsilonRule)
            for module in part.modules():
                if isinstance(module, nn.Conv2d | nn.Linear):
                    module.rule = rule()  # type: ignore[assignment]
                if isinstance(module, Add | WeightedSum | nn.AdaptiveAvgPool2d):
                    module.rule = fixed()  # type: ignore[assignment]
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
    for subject in ("preactivated", "timm_vit", "torchvision_vit", "swin"):
        for ours, peer, maps in (
            ("gradient", "Saliency(abs=False)", above(attr.Saliency, abs=False)),
            ("input_x_gradient", "InputXGradient", above(attr.InputXGradient)),
        ):
            yield Comparison(subject, ours, f"captum {peer}", maps, dtype=torch.float64)
    for peer, maps in (("InputXGradient", above(attr.InputXGradient)), ("LRP(EpsilonRule)", lrp(EpsilonRule))):
        yield Comparison("preactivated", "lrp_z", f"captum {peer}", maps, dtype=torch.float64)
    yield from _epsilon()
    yield from _alpha1_beta0()
    yield from _deep_lift()
    yield from _integrated_gradients()


def _epsilon() -> Iterator[Comparison]:
    """ε of 0.25 at all linear modules, with sums and averages or without."""
    quarter = partial(EpsilonRule, 0.25)
    at_all, options = lrp(quarter, quarter), "epsilon=0.25, relative=false"
    exact: dict[str, Any] = {"dtype": torch.float64, "remark": sums}
    for subject in ("resnet18", "vgg"):
        yield Comparison(subject, f"lrp_epsilon({options})", "captum LRP(EpsilonRule(0.25))", at_all, **exact)
    ours = f"lrp_epsilon({options}, sums='proportional')"
    yield Comparison("resnet18", ours, "captum LRP(EpsilonRule(0.25)), 1e-9 at sums", lrp(quarter), **exact)


def _alpha1_beta0() -> Iterator[Comparison]:
    """Two networks, as negative inputs are the picture's only, or also those above a convolution without a ReLU."""
    row = ("captum LRP(Alpha1_Beta0_Rule)", lrp(lambda: Alpha1_Beta0_Rule(set_bias_to_zero=True)))
    why = "it takes positive weights only, also for negative inputs"
    proportional = "lrp_alpha1_beta0(sums='proportional')"
    for subject, ours, border in (("resnet18", proportional, "relu"), ("vgg", "lrp_alpha1_beta0", "11")):
        yield Comparison(subject, ours, *row, since(border), remark=sums)
        yield Comparison(subject, ours, *row, below(border), differs=why, remark=sums)
    yield Comparison("resnet18", "lrp_alpha1_beta0", *row, since("layer4.1"), remark=sums)
    apart = "at sums all its rules share in proportion, whatever the sign"
    yield Comparison("resnet18", "lrp_alpha1_beta0", *row, below("layer4.1"), differs=apart, remark=sums)


def _deep_lift() -> Iterator[Comparison]:
    row = ("deeplift", "captum DeepLift", above(attr.DeepLift))
    shared = "max-pool beside a ReLU: it hooks one tensor for both, and the lower misses the upper's rule"
    windows = f"{shared}; overlapping windows: its max_unpool keeps one of them"
    for subject, border, why in (("resnet18", "maxpool", windows), ("vgg", "7", shared)):
        yield Comparison(subject, *row, since(border), dtype=torch.float64, remark=gaps)
        yield Comparison(subject, *row, below(border), dtype=torch.float64, differs=why, remark=gaps)
    yield Comparison("sequence", *row, dtype=torch.float64, remark=gaps)


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
