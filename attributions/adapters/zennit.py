"""Zennit's composites and attributors on the canonical graph."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from peephole.attributions.adapters.base import ADAPTERS
from peephole.attributions.adapters.library import Library, Maps, classes
from peephole.attributions.adapters.sequence import in_sequence
from peephole.attributions.adapters.signatures import keywords, refuse_unknown
from peephole.attributions.canonical import Canonical
from peephole.attributions.folding import fold_batch_norm
from peephole.attributions.operations import Add, WeightedSum

NO_OPTIONS = {
    *("layer_map", "first_map", "canonizers", "model", "composite", "attr_output", "create_graph", "retain_graph"),
    *("baseline_fn", "occlusion_fn"),
}
"""Arguments that no text can give."""

BOX = ("low", "high")
"""The bounds of the picture, for the rule at the network's first convolution."""


class Summed(nn.Module):
    """The sum of tensors by Zennit's own module, the only sum that its rules know.

    Args:
        kind: that module's class.
        weights: what stands before each. Relevance passes a factor unchanged.
    """

    def __init__(self, kind: type[nn.Module], weights: tuple[float, ...] = (1, 1)) -> None:
        super().__init__()
        self.sum = kind()
        self.weights = weights
        self.eval()

    def forward(self, *tensors: Tensor) -> Tensor:
        """The sum."""
        parts = [_weighted(part, weight) for part, weight in zip(tensors, self.weights, strict=True)]
        total: Tensor = self.sum(torch.stack(torch.broadcast_tensors(*parts), dim=-1))
        return total


def _weighted(values: Tensor, weight: float) -> Tensor:
    """``weight · values``, whose gradient, which carries relevance there, is handed on as it is."""
    return values if weight == 1 else values + (weight * values - values).detach()


def _weights(module: nn.Module) -> tuple[tuple[float, ...], ...]:
    return (module.weights,) if isinstance(module, WeightedSum) else ()


@ADAPTERS.register
class Zennit(Library):
    """Any composite of ``zennit.composites`` that needs no map of layers, and any attributor.

    The network is the canonical graph with batch normalisation folded and Zennit's ``Sum`` at residual connections,
    its modules in the order in which they run: no canonizer is needed. What is propagated starts with one at the
    target's logit, as in Zennit's own examples. Zennit keeps biases in its denominators, where relevance leaks, unless
    the option ``zero_params='bias'`` is given.

    A *composite* is registered once for the whole network, and one forward and one backward pass give the map at every
    layer; a rule for the first layer is one for the first layer of the network, not of the part above a cut.
    ``EpsilonGammaBox`` takes its box from the model's normalisation unless ``low`` and ``high`` are given, numbers or
    one number a channel, as the network gets its pictures. An *attributor* runs on the part above each layer, without
    a composite. Maps have the layer's size and keep its channels.

    Raises:
        UnknownName: there is no such composite or attributor.
        PeepholeError: Zennit is not installed, or an option is not one of the method's.
    """

    title: ClassVar[str] = "Zennit"
    source: ClassVar[str] = (
        "Anders, Neumann, Samek, Müller, Lapuschkin. Software for dataset-wide XAI: from local explanations to global "
        "insights with Zennit, CoRelAy, and ViRelAy. arXiv 2106.13200, 2021."
    )
    distribution: ClassVar[str] = "zennit"
    extra: ClassVar[str] = "zennit"
    module: ClassVar[str] = "zennit"

    def __init__(self, method: str, options: Mapping[str, object]) -> None:
        super().__init__(method, options)
        self.parameters = keywords(self.called, NO_OPTIONS)
        refuse_unknown(self.name, self.options, self.parameters)

    def methods(self) -> Mapping[str, Any]:
        """The registered composites and the concrete attributors, by their classes' names."""
        composites = importlib.import_module("zennit.composites").COMPOSITES.values()
        return self._attributors() | {composite.__name__: composite for composite in composites}

    @staticmethod
    def _attributors() -> dict[str, Any]:
        attribution = importlib.import_module("zennit.attribution")
        return {
            name: found
            for name, found in classes(attribution, dir(attribution)).items()
            if issubclass(found, attribution.Attributor) and not inspect.isabstract(found)
        }

    def one_by_one(self, model: Canonical, layer: str) -> bool:
        """SmoothGrad draws its noise for the whole batch."""
        return self.method == "SmoothGrad"

    def maps(self, model: Canonical, x: Tensor, target: Tensor, layers: Sequence[str]) -> Maps:
        """One pass for a composite, one call a layer for an attributor."""
        bottom = model.cuts[0]
        kind = importlib.import_module("zennit.layer").Sum
        network = in_sequence(
            fold_batch_norm(model).above(bottom),
            lambda module: Summed(kind, *_weights(module)) if isinstance(module, Add | WeightedSum) else module,
        )
        with torch.no_grad():
            picture = model.run(x, until=bottom)[0]
            kept = network.run(picture, keep=layers)[1]
        chosen = one_hot(target, model.shapes[model.cuts[-1]][0]).to(x)
        if self.method in self._attributors():
            return {layer: self._attributor(network, layer, kept[layer], chosen) for layer in layers}
        composite = self.called(**(self.options | self._box(model, x)))
        lowest = min(layers, key=network.depth)
        with composite.context(network):
            start = kept[lowest].requires_grad_()
            logits, kept = network.run(start, after=lowest, keep=layers)
            relevance = torch.autograd.grad(logits, [kept[layer] for layer in layers], grad_outputs=chosen)
        return dict(zip(layers, relevance, strict=True))

    def _attributor(self, network: Canonical, layer: str, activation: Tensor, chosen: Tensor) -> Tensor:
        attributor = self.called(network.above(layer), **self.options)
        # Occlusion sums what this gives as a score; for the others it is the vector that is propagated.
        start = chosen if hasattr(attributor, "grad") else lambda logits: logits * chosen
        found: Tensor = attributor(activation, start)[1]
        return found

    def _box(self, model: Canonical, x: Tensor) -> dict[str, Any]:
        """The box's bounds where the composite wants them: given numbers, or those that black and white become."""
        bounds: dict[str, Any] = {}
        for name, value in zip(BOX, (0.0, 1.0), strict=True):
            given = self.options.get(name)
            if isinstance(given, tuple | list):
                bounds[name] = torch.tensor(given, dtype=x.dtype, device=x.device).view(1, -1, 1, 1)
            elif given is None and name in self.parameters:
                bounds[name] = model.run(torch.full_like(x[:1], value), until=model.cuts[0])[0]
        return bounds
