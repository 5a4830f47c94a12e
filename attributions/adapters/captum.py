"""Captum's methods on the canonical graph."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from peephole.attributions.adapters.base import ADAPTERS
from peephole.attributions.adapters.features import baselines, cells, window
from peephole.attributions.adapters.library import Library, Maps, classes
from peephole.attributions.adapters.relevance import with_rules
from peephole.attributions.adapters.signatures import chosen, keywords, refuse_unknown, required
from peephole.attributions.canonical import Canonical

GIVEN = {"model", "forward_func", "layer", "inputs", "target", "baselines", "sliding_window_shapes"}
"""The arguments without a default that the adapter knows how to fill."""

NO_OPTIONS = {
    *("model", "forward_func", "layer", "device_ids", "inputs", "target", "additional_forward_args", "grad_kwargs"),
    *("return_convergence_delta", "custom_attribution_func", "attribute_to_layer_input", "return_input_shape"),
    *("show_progress", "verbose", "perm_func", "interpretable_model", "similarity_func", "perturb_func"),
}
"""Arguments that no text can give, or that would change what a map is."""

MIXES_PICTURES = "it permutes the pictures of a batch, so that a map depends on its neighbours"
UNFIT: Mapping[str, str] = {
    "FeaturePermutation": MIXES_PICTURES,
    "LayerFeaturePermutation": MIXES_PICTURES,
    "ShapleyValues": "it runs the network for every order of the features; take ShapleyValueSampling",
    "NoiseTunnel": "it wraps another method; write captum:Saliency(nt_type='smoothgrad') with its options",
}
"""Methods that can be called here and should not be."""

RANDOM = {"GradientShap", "LayerGradientShap", "KernelShap", "Lime"}
"""Methods whose draws for one picture depend on how many stand before it."""

NUMBERS: Mapping[str, Callable[[object, Tensor], object]] = {
    "feature_mask": cells,
    "layer_mask": cells,
    "sliding_window_shapes": window,
    "strides": window,
}
"""Arguments that Captum wants as tensors or shapes, and how they are made from what a text can say."""


@ADAPTERS.register
class Captum(Library):
    """Any attribution class of ``captum.attr`` that explains a logit.

    The picture is the normalised one: zero, Captum's baseline, is what the model's own normalisation makes zero.
    *Input* methods run on the part of the network above each layer, with the layer's activation as their input.
    *Layer* methods run on the whole network and the module whose output the layer is. ``LRP`` and ``LayerLRP`` run on
    a copy of the part above the layer with batch normalisation folded; Captum's epsilon rule stands at sums, too.
    ``GuidedGradCam`` takes its Grad-CAM from the last layer. Maps have the layer's size, and keep their channels where
    Captum keeps them.

    Options are those of the class's constructor and of ``attribute``. With ``nt_type`` the method runs inside Captum's
    ``NoiseTunnel``, whose options are then allowed. ``baselines`` is one number. ``feature_mask`` and ``layer_mask``
    are the number of cells along a side into which places are grouped. ``sliding_window_shapes`` and ``strides`` may
    be one side; windows cover all channels, and without them an eighth of the side, with no overlap.

    Where a max-pool's input is its baseline, Captum's DeepLIFT takes the gradient of the batch's first picture. That
    is seen with ``multiply_by_inputs=False`` only, and pictures are then explained one by one. So they are by methods
    that draw random numbers for each.

    Raises:
        UnknownName: there is no such method.
        PeepholeError: Captum is not installed, the method explains something else than a logit at a layer, or an
            option is not one of its.
    """

    title: ClassVar[str] = "Captum"
    source: ClassVar[str] = (
        "Kokhlikyan, Miglani, Martin, Wang, Alsallakh, Reynolds, Melnikov, Kliushkina, Araya, Yan, Reblitz-Richardson. "
        "Captum: a unified and generic model interpretability library for PyTorch. arXiv 2009.07896, 2020."
    )
    distribution: ClassVar[str] = "captum"
    extra: ClassVar[str] = "captum"
    module: ClassVar[str] = "captum"

    def __init__(self, method: str, options: Mapping[str, object]) -> None:
        super().__init__(method, options)
        constructor, self.parameters = keywords(self.called), keywords(self.called.attribute)
        tunnel = keywords(self.attr.NoiseTunnel.attribute) if "nt_type" in self.options else {"nt_type": None}
        refuse_unknown(self.name, self.options, {*constructor, *self.parameters, *tunnel} - NO_OPTIONS)
        self.construct = chosen(self.options, constructor)
        self.call = {name: value for name, value in self.options.items() if name not in constructor}

    @property
    def attr(self) -> Any:
        """The module of Captum that holds its attribution methods."""
        return self.library.attr

    def methods(self) -> Mapping[str, type]:
        """The classes that the adapter can give all that they need."""
        unfit = self.unfit()
        return {name: found for name, found in self._classes().items() if name not in unfit}

    def unfit(self) -> Mapping[str, str]:
        """Methods that must not be called, and those that explain neurons, texts or whole data sets."""
        reasons = dict(UNFIT)
        for name, found in self._classes().items():
            missing = (required(keywords(found)) | required(keywords(found.attribute))) - GIVEN
            if missing and name not in reasons:
                reasons[name] = f"it needs {', '.join(sorted(missing))}"
        return reasons

    def _classes(self) -> dict[str, Any]:
        return {
            name: found
            for name, found in classes(self.attr, self.attr.__all__).items()
            if issubclass(found, self.attr.Attribution) and hasattr(found, "attribute")
        }

    def one_by_one(self, model: Canonical, layer: str) -> bool:
        """Whether the method draws random numbers a picture, or would show DeepLIFT's gradients at a max-pool."""
        return self.method in RANDOM or "nt_type" in self.options or self._bare_deep_lift(model, layer)

    def _bare_deep_lift(self, model: Canonical, layer: str) -> bool:
        pools = any(isinstance(site.module, nn.MaxPool2d) for site in model.sites[model.depth(layer) :])
        return (
            pools and issubclass(self.called, self.attr.DeepLift) and not self.options.get("multiply_by_inputs", True)
        )

    def maps(self, model: Canonical, x: Tensor, target: Tensor, layers: Sequence[str]) -> Maps:
        """Call the method once a layer."""
        bottom = model.cuts[0]
        with torch.no_grad():
            kept = model.run(x, keep=[bottom, *layers])[1]
        return {layer: self._map(model, kept[bottom], kept[layer], target, layer) for layer in layers}

    def _map(self, model: Canonical, picture: Tensor, activation: Tensor, target: Tensor, layer: str) -> Tensor:
        if issubclass(self.called, self.attr.LRP):
            part = with_rules(model, layer, importlib.import_module("captum.attr._utils.lrp_rules").EpsilonRule)
            inputs, module = activation, part.module(layer)
        elif issubclass(self.called, self.attr.LayerAttribution):
            part = model.above(model.cuts[0])
            inputs, module = picture, part.module(layer)
        else:
            part = model.above(layer)
            inputs, module = activation, part.module(part.layers[-1])
        construct = self.construct | ({"layer": module} if "layer" in keywords(self.called) else {})
        explainer = self.called(part, **construct)
        arguments = self._arguments(inputs, activation, target)
        if "nt_type" in self.call:
            explainer = self.attr.NoiseTunnel(explainer)
        found: Tensor | tuple[Tensor, ...] = explainer.attribute(inputs.clone().requires_grad_(), **arguments)
        return found[0] if isinstance(found, tuple) else found

    def _arguments(self, inputs: Tensor, activation: Tensor, target: Tensor) -> dict[str, Any]:
        """What ``attribute`` is called with besides the inputs."""
        arguments: dict[str, Any] = dict(self.call)
        if "target" in self.parameters:
            arguments["target"] = target
        if "baselines" in required(self.parameters):
            # DeepLiftShap wants two at least.
            arguments["baselines"] = baselines(arguments.get("baselines", 0), inputs, 2)
        if "sliding_window_shapes" in self.parameters:
            arguments.setdefault("sliding_window_shapes", None)
            arguments.setdefault("strides", arguments["sliding_window_shapes"])
        return arguments | {
            name: NUMBERS[name](value, activation) for name, value in arguments.items() if name in NUMBERS
        }
