"""Networks whose weights are drawn from one of several distributions, or removed: what P2 compares (section IV-B)."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType

import torch
from torch import Tensor, nn

from peephole.attributions.canonicalisation.own_copy import own_copy
from peephole.attributions.graph import Size
from peephole.attributions.randomised import NORMS, _weights, stages
from peephole.errors import PeepholeError
from peephole.seeds import stream

KEPT = 0.0025
"""The share of a linear layer's inputs whose weights are not removed (P2, section IV-B)."""


def normal(z: Tensor) -> Tensor:
    """The numbers themselves: isotropic, as P2's theorem 1 and Nie et al. have weights."""
    return z


def ring(z: Tensor) -> Tensor:
    """Each neuron's vector at the same length, √fan_in: uniform on a sphere, isotropic, not normal (P2, figure 3)."""
    lengths = z.norm(dim=1, keepdim=True)
    drawn: Tensor = z * (z.shape[1] ** 0.5 / lengths.where(lengths > 0, 1.0))
    return drawn


def uniform(z: Tensor) -> Tensor:
    """Each number uniform on [−√3, √3], by its rank: not isotropic (P2, figure 3, which has [−1, 1]).

    That has the variance of the others. In a chain of layers without biases whose activations are ReLUs another scale
    multiplies logits and signals, and neither decisions nor cosines change; where a shortcut adds the input of layers
    to their output, they do.
    """
    drawn: Tensor = torch.special.erf(z / 2**0.5)
    return drawn * 3**0.5


DISTRIBUTIONS: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType(
    {"normal": normal, "ring": ring, "uniform": uniform}
)
"""From independent standard normal numbers ``[neurons, fan_in]`` to weights of mean 0 and variance 1. All are functions
of the same numbers, so that networks of one seed differ by the distribution and as little else as may be."""


@torch.no_grad()
def draw_weights(model: nn.Module, distribution: str, seed: int) -> None:
    """Draw all weights of a network anew, in place.

    Weights have variance 2/fan_in (He et al. 2015), biases are 0, normalisation changes nothing. Drawn ``normal`` it is
    the network that `peephole.attributions.randomised.randomised` makes of all stages. What is drawn depends on the
    seed and the tensor's name alone. Parameters that are no module's weight or bias stay.

    Args:
        model: any network; what it has learnt is lost.
        distribution: one of `DISTRIBUTIONS`.
        seed: another seed, another network.
    """
    shape = DISTRIBUTIONS[distribution]
    for owner, module in model.named_modules():
        if isinstance(module, NORMS):
            module.reset_parameters()
            continue
        for kind, tensor in module.named_parameters(recurse=False):
            if tensor.dim() > 1:
                name = f"{owner}.{kind}" if owner else kind
                generator = torch.Generator().manual_seed(stream(f"randomised {name}", seed))
                z = torch.randn(tensor.shape, generator=generator).flatten(1)
                tensor.copy_(shape(z).view_as(tensor) * (2 / z.shape[1]) ** 0.5)
            elif kind == "bias":
                tensor.zero_()


def upper_half(model: nn.Module, size: Size | None = None) -> tuple[str, ...]:
    """The stages that P2 removes or randomises, as ours: the upper half, of an odd number the larger part.

    Args:
        model: as for `peephole.attributions.randomised.stages`.
        size: the same.
    """
    names = stages(model, size)
    return names[len(names) // 2 :]


@torch.no_grad()
def removed(model: nn.Module, which: Collection[str], seed: int, size: Size | None = None) -> nn.Module:
    """A copy of a network, in eval mode and frozen, that has lost most weights of some stages (P2, figure 5).

    Convolutions keep the first row and the first column of each kernel (one of 1×1 keeps all), linear layers the
    weights of 0.25 % of their inputs, at least of one; which ones is drawn. Biases and normalisation stay.

    Args:
        model: as for `peephole.attributions.randomised.stages`.
        size: the same.
        which: names of stages.
        seed: of the inputs that are kept.

    Raises:
        PeepholeError: there is no such stage.
    """
    weights = _weights(model, size)
    unknown = sorted(set(which) - set(weights))
    if unknown:
        raise PeepholeError(f"there is no stage '{unknown[0]}' to take from; there are: {', '.join(weights)}.")
    copied = own_copy(model)
    for name in itertools.chain.from_iterable(weights[stage] for stage in which):
        owner, _, kind = name.rpartition(".")
        module = copied.get_submodule(owner)
        if kind == "weight" and isinstance(module, nn.Conv2d):
            module.weight[:, :, 1:, 1:] = 0
        elif kind == "weight" and isinstance(module, nn.Linear):
            generator = torch.Generator().manual_seed(stream(f"removed {name}", seed))
            count = max(1, round(KEPT * module.in_features))
            gone = torch.randperm(module.in_features, generator=generator)[count:]
            module.weight[:, gone.to(module.weight.device)] = 0
    return copied
