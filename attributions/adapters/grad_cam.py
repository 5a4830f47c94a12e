"""The class activation maps of pytorch-grad-cam on the canonical graph."""

from __future__ import annotations

import contextlib
import copy
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from peephole.attributions.adapters.base import ADAPTERS
from peephole.attributions.adapters.library import Library, Maps, classes
from peephole.attributions.adapters.sequence import in_sequence
from peephole.attributions.adapters.signatures import chosen, keywords, refuse_unknown, spelt
from peephole.attributions.adapters.taps import Tapped
from peephole.attributions.canonical import Canonical

NO_OPTIONS = {
    *("model", "target_layers", "reshape_transform", "ablation_layer", "tta_transforms", "compute_input_gradient"),
    *("uses_gradients", "detach", "input_tensor", "targets", "target_idx"),
}
"""Arguments that no text can give, or that the adapter gives."""

RANDOM = {"RandomCAM", "KPCA_CAM"}
"""Methods that draw random numbers; the solver of the latter begins with some."""


@ADAPTERS.register
class GradCam(Library):
    """Any class of ``pytorch_grad_cam`` that makes a class activation map.

    The library's input is the normalised picture, as everywhere in its documentation, and its target the logit.
    Its maps are in [0,1]: negative values are cut off, each map is scaled by its minimum and maximum and enlarged to
    the picture, so that ``[B,1,H,W]`` comes back at every layer. A map of zeros stays one.

    ``FullGrad`` has no layer; it explains the part of the network above each layer, with the layer's activation as its
    input, at the layer's size. ``RefineCAM`` multiplies the maps of a layer and of all layers above it. ``FinerCAM``
    chooses the classes that it compares with for each picture.

    Options are those of the class's constructor and of its call; ``base_method`` is the name of another class.

    Raises:
        UnknownName: there is no such class.
        PeepholeError: the library is not installed, or an option is not one of the class's.
    """

    title: ClassVar[str] = "pytorch-grad-cam"
    source: ClassVar[str] = "Gildenblat and contributors. PyTorch library for CAM methods. GitHub, 2021."
    distribution: ClassVar[str] = "grad-cam"
    extra: ClassVar[str] = "grad-cam"
    module: ClassVar[str] = "pytorch_grad_cam"

    def __init__(self, method: str, options: Mapping[str, object]) -> None:
        super().__init__(method, options)
        constructor = keywords(self.called, NO_OPTIONS)
        call = keywords(self.called.forward, NO_OPTIONS) | keywords(self.called.__call__, NO_OPTIONS)
        refuse_unknown(self.name, self.options, {*constructor, *call})
        self.construct = chosen(self.options, constructor)
        if "base_method" in self.construct:
            known = self.methods()
            self.construct["base_method"] = known[spelt("grad-cam method", str(self.construct["base_method"]), known)]
        self.call = chosen(self.options, call)

    def methods(self) -> Mapping[str, Any]:
        """The classes that are made from a model and its layers, and called with pictures and targets."""
        found = classes(self.library, dir(self.library))
        return {name: kind for name, kind in found.items() if "targets" in keywords(getattr(kind, "forward", kind))}

    def one_by_one(self, model: Canonical, layer: str) -> bool:
        """Whether the method draws random numbers."""
        return self.method in RANDOM

    def maps(self, model: Canonical, x: Tensor, target: Tensor, layers: Sequence[str]) -> Maps:
        """Call the method once a layer."""
        body = model.above(model.cuts[0])
        if self._second_order:
            body = copy.deepcopy(body).requires_grad_(True)
        with torch.no_grad():
            picture = model.run(x, until=model.cuts[0])[0]
        # ScoreCAM and AblationCAM draw progress bars there.
        with contextlib.redirect_stderr(io.StringIO()):
            if self.method == "FullGrad":
                return {layer: self._full_grad(body, picture, target, layer) for layer in layers}
            return {layer: self._at(body, picture, target, layer) for layer in layers}

    @property
    def _second_order(self) -> bool:
        """Whether gradients are differentiated: they have no graph where all weights are frozen and units linear."""
        return self.library.ShapleyCAM in (self.called, self.construct.get("base_method"))

    def _at(self, body: Canonical, picture: Tensor, target: Tensor, layer: str) -> Tensor:
        above = [other for other in body.layers if body.depth(other) > body.depth(layer)]
        network = Tapped(body, [layer, *above] if self.method == "RefineCAM" else [layer])
        frame = body.cut(layer).frame
        if frame is not None and not frame.is_plain:
            return self._call(network, list(network.taps), picture, target, frame.picture)
        return self._call(network, list(network.taps), picture, target)

    def _full_grad(self, body: Canonical, picture: Tensor, target: Tensor, layer: str) -> Tensor:
        # FullGrad pairs biases as modules are listed with gradients as they come back: both must run in one order.
        part = in_sequence(body.above(layer))
        with torch.no_grad():
            activation = body.run(picture, until=layer)[0]
        return self._call(part, [], activation, target)

    def _call(
        self,
        network: nn.Module,
        modules: list[nn.Module],
        inputs: Tensor,
        target: Tensor,
        as_picture: Callable[[Tensor], Tensor] | None = None,
    ) -> Tensor:
        constructor = keywords(self.called)
        fresh = {"ablation_layer": self.library.AblationLayer()} if "ablation_layer" in constructor else {}
        if as_picture is not None:
            fresh["reshape_transform"] = as_picture
        cam = self.called(network, modules, **fresh, **self.construct)
        try:
            found = self._finer(cam, inputs, target) if self.method == "FinerCAM" else self._plain(cam, inputs, target)
        finally:
            # Their `with` would swallow an IndexError.
            for part in (cam, getattr(cam, "base_cam", cam), *getattr(cam, "base_cam_per_layer", ())):
                if hasattr(part, "activations_and_grads"):
                    part.activations_and_grads.release()
        return torch.as_tensor(found)[:, None]

    def _plain(self, cam: Any, inputs: Tensor, target: Tensor) -> Any:
        output = self.library.utils.model_targets.ClassifierOutputTarget
        return cam(inputs, targets=[output(label) for label in target.tolist()], **self.call)

    def _finer(self, cam: Any, inputs: Tensor, target: Tensor) -> Tensor:
        """The classes to compare with are chosen by the library, for one label a call."""
        maps = torch.empty((len(inputs), *inputs.shape[2:]))
        for label in target.unique().tolist():
            own = target.cpu() == label
            maps[own] = torch.as_tensor(cam(inputs[own.to(inputs.device)], target_idx=label, **self.call))
        return maps
