"""Networks that have lost what they learnt, stage by stage: what the sanity checks of saliency maps compare with."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import Node

from peephole.attributions.canonicalisation.own_copy import own_copy
from peephole.attributions.graph import Canonical, Size, canonicalise
from peephole.attributions.layers import stays_in_place
from peephole.attributions.operations import Call
from peephole.attributions.tracing import trace
from peephole.errors import PeepholeError
from peephole.seeds import stream

Which = frozenset[str]
"""The stages that are randomised."""

NORMS: tuple[Any, ...] = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm)


def stages(model: nn.Module, size: Size | None = None) -> tuple[str, ...]:
    """The layers of a network as people count them, in the order in which they run.

    The network is cut at every tensor through which all of it passes; what lies between two of them and has weights is
    a stage: a residual block, a convolution, a linear layer. Normalisation and activation belong to the stage before.
    A stage has the name of the layer that it ends in, and above the last layer that of its module: ``stem``,
    ``layer1.0``, ``layer2.0``, ``layer3.0``, ``fc`` for ResNet8; thirteen convolutions and three linear layers for
    VGG16. Weights that several stages use belong to the first.

    Args:
        model: pictures ``[B,C,H,W]`` in [0,1] to logits ``[B,classes]``.
        size: of its pictures, see `canonicalise`.

    Raises:
        PeepholeError: see `canonicalise`; or the network has no weights.
    """
    return tuple(_weights(model, size))


def plan(names: Sequence[str]) -> Mapping[str, tuple[Which, ...]]:
    """Which stages are randomised in each network of the sanity checks of Adebayo et al. 2018.

    ``top_down``: the last, the last two, and so on to all; ``bottom_up``: the first, the first two, and so on to all;
    ``independent``: each alone. The trained network is none of them. Some occur twice and are one network: five stages
    need 12 networks for 15 comparisons.
    """
    count = len(names)
    return {
        "top_down": tuple(frozenset(names[first:]) for first in reversed(range(count))),
        "bottom_up": tuple(frozenset(names[: last + 1]) for last in range(count)),
        "independent": tuple(frozenset((name,)) for name in names),
    }


def randomised(model: nn.Module, which: Collection[str], seed: int, size: Size | None = None) -> nn.Module:
    """A copy of a network, in eval mode and frozen, some of whose stages are as before any training.

    Adebayo et al. initialise anew, and so does this: weights from N(0, 2/fan_in) (He et al. 2015), biases 0,
    normalisation 1 and 0 with running statistics 0 and 1. That keeps signals at their size between trained stages as
    well as among untrained ones, whatever a framework's own initialisation does: torch's shrinks them by a factor of
    2.4 a layer. Other ways that were measured on a trained ResNet8 with all stages randomised leave it dead in part, so
    that maps are lost for another reason than the weights: with new weights behind the trained normalisation, or with
    every tensor's own values in another order, 25 to 60 % of the last stage's channels are off for every
    picture, others on for all, and pictures differ little. Parameters that are no module's weight or bias (a learnt
    scale, say) keep their values in another order, as nothing is known of what they were.

    What is drawn depends on the seed and the tensor's name alone: a stage that is randomised in two networks of
    a `plan` is the same in both. Torch's own random state stays as it is, and so does ``model``.

    Args:
        model: as for `stages`.
        which: names of stages.
        seed: another seed, other networks.
        size: as for `stages`.

    Raises:
        PeepholeError: there is no such stage; or see `stages`.
    """
    weights = _weights(model, size)
    unknown = sorted(set(which) - set(weights))
    if unknown:
        raise PeepholeError(f"there is no stage '{unknown[0]}' to randomise; there are: {', '.join(weights)}.")
    copied = own_copy(model)
    for name in itertools.chain.from_iterable(weights[stage] for stage in which):
        owner, _, kind = name.rpartition(".")
        module: Any = copied.get_submodule(owner)
        if isinstance(module, NORMS):
            module.reset_parameters()  # ones and zeros, nothing is drawn
        else:
            _draw(module.get_parameter(kind), kind, torch.Generator().manual_seed(stream(f"randomised {name}", seed)))
    return copied


def _draw(tensor: Tensor, kind: str, generator: torch.Generator) -> None:
    """Initialise a parameter in place."""
    if tensor.dim() > 1:
        fan_in = tensor[0].numel()
        tensor.copy_(torch.randn(tensor.shape, generator=generator) * (2 / fan_in) ** 0.5)
    elif kind == "bias":
        tensor.zero_()
    else:
        order = torch.randperm(tensor.numel(), generator=generator).to(tensor.device)
        tensor.copy_(tensor.flatten()[order].view_as(tensor))


def _weights(model: nn.Module, size: Size | None) -> dict[str, list[str]]:
    """The stages, and the names of the tensors that each is the first to use."""
    canonical = canonicalise(model, size)
    channels, height, width = canonical.size
    owned = _tensors_of_sites(model, (channels, height, width))
    found: dict[str, list[str]] = {}
    seen: set[str] = set()
    for name, sites in _parts(canonical):
        new = [tensor for site in sites for tensor in owned.get(site, ()) if tensor not in seen]
        seen.update(new)
        if new:
            found[name] = list(dict.fromkeys(new))
    if not found:
        raise PeepholeError(f"{type(model).__name__} has no weights to randomise; expected a network that was trained.")
    return found


def _parts(canonical: Canonical) -> Iterator[tuple[str, list[str]]]:
    """The stretches between cut points, each with its name and its call sites."""
    parts: list[tuple[list[str], list[str]]] = []
    for before, cut in itertools.pairwise(canonical.cuts):
        between = canonical.sites[canonical.depth(before) : canonical.depth(cut)]
        joins = len(between) == 1 and stays_in_place(between[0]) and not isinstance(between[0].module, Call)
        if not joins or not parts:
            parts.append(([], []))
        parts[-1][0].append(cut)
        for site in between:
            parts[-1][1].extend((*getattr(site.module, "names", ()), site.name))
    for cuts, sites in parts:
        yield next((cut for cut in cuts if cut in canonical.layers), cuts[0]), sites


def _tensors_of_sites(model: nn.Module, size: Size) -> dict[str, list[str]]:
    """The names of the parameters, and of the statistics, that each call site uses; one with several has the first."""
    model = own_copy(model)
    names = {id(tensor): name for name, tensor in itertools.chain(model.named_buffers(), model.named_parameters())}
    _, tracer = trace(model, torch.zeros(2, *size))
    owned: dict[str, list[str]] = {}
    for node, site in tracer.sites.items():
        held = [operator.attrgetter(str(value.target))(model) for value in _constants(node)]
        used: list[Tensor] = [tensor for tensor in held if isinstance(tensor, nn.Parameter)]
        if node.op == "call_module":
            module = model.get_submodule(str(node.target))
            used += module.parameters()
            used += [each for part in module.modules() if isinstance(part, NORMS) for each in part.buffers()]
        owned[site] = [names[id(tensor)] for tensor in used]
    return owned


def _constants(node: Node) -> Iterator[Node]:
    """The tensors of the network that a call uses, straight or through what is computed from them alone."""
    waiting, seen = list(node.all_input_nodes), set(node.all_input_nodes)
    while waiting:
        each = waiting.pop()
        if each.op == "get_attr":
            yield each
        elif not _sees_picture(each):
            new = [other for other in each.all_input_nodes if other not in seen]
            waiting += new
            seen.update(new)


def _sees_picture(node: Node) -> bool:
    waiting, seen = [node], {node}
    while waiting:
        each = waiting.pop()
        if each.op == "placeholder":
            return True
        waiting += [other for other in each.all_input_nodes if other not in seen]
        seen.update(each.all_input_nodes)
    return False
