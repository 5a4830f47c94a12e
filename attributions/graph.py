"""From any traceable network to its canonical graph."""

from __future__ import annotations

import copy
import itertools

import torch
from torch import Tensor, nn
from torch.fx import Graph, Node

from peephole.attributions.calls import generic, module_of
from peephole.attributions.canonical import Canonical
from peephole.attributions.classifier import Normalise
from peephole.attributions.layers import choose, crossings
from peephole.attributions.site import Cut, Site
from peephole.attributions.tracing import CallTracer, trace
from peephole.errors import PeepholeError

__all__ = ["Canonical", "canonicalise"]

Size = tuple[int, int, int]

SIZES: tuple[Size, ...] = ((3, 32, 32), (3, 224, 224))
"""The sizes of pictures that are tried when none is given."""


def canonicalise(model: nn.Module, size: Size | None = None) -> Canonical:
    """The canonical graph of ``model``: a deep copy, traced, in eval mode, frozen, one module a call site.

    A module that is called twice becomes two; functional ReLU, pools, flatten, dropout, activations and ``+`` become
    modules, every other call a `peephole.attributions.operations.Call`; nothing works in place. The graph is run once
    on random pictures beside the model, and must give the same logits: a model that draws random numbers in eval mode
    (``F.dropout`` without ``training=self.training``) is refused. ``model`` itself, its mode and the global random
    state stay as they are.

    Args:
        model: pictures ``[B,C,H,W]`` in [0,1] to logits ``[B,classes]``, on any device.
        size: channels, height and width of its pictures. If not given, 3×32×32 and then 3×224×224 is tried; the layers
            of a network that takes both are the same for both.

    Raises:
        PeepholeError: the model cannot be traced (the message names the line of its code), does not take such
            pictures, returns something else than logits, or works differently when it is taken apart.
    """
    model = copy.deepcopy(model).eval()
    for tensor in itertools.chain(model.parameters(), model.buffers()):
        tensor.requires_grad_(False)
    graph, tracer = trace(model)
    tensor = next(itertools.chain(model.parameters(), model.buffers()), torch.zeros(()))
    # A model that draws random numbers even in eval mode must not move the caller's.
    with torch.no_grad(), torch.random.fork_rng([tensor.device] if tensor.is_cuda else []):
        pictures, expected = _try(model, tensor, *((size,) if size else SIZES))
        for module in model.modules():
            if getattr(module, "inplace", False):
                module.inplace = False  # type: ignore[assignment]
        sites, names = _take_apart(graph, tracer, model)
        sites, cuts = _cut(sites, names, pictures)
        canonical = Canonical(sites, cuts, choose(cuts, sites)).eval()
        _check(canonical, model, pictures, expected)
    return canonical


def _try(model: nn.Module, like: Tensor, size: Size, *others: Size) -> tuple[Tensor, Tensor]:
    """Two random pictures of the first size that the model takes, and the logits it gives them."""
    dtype = like.dtype if like.is_floating_point() else torch.float32
    draw = torch.rand((2, *size), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    pictures = draw.to(like.device, dtype)
    try:
        logits = model(pictures.clone())
    except Exception as error:  # the network's own code runs here, and may raise anything
        if others:
            return _try(model, like, *others)
        reason = " ".join(str(error).split())[:200]
        raise PeepholeError(
            f"{type(model).__name__} does not take pictures of {'×'.join(map(str, size))} "
            f"({type(error).__name__}: {reason}); say what it takes: canonicalise(model, size=(C, H, W))."
        ) from error
    if not isinstance(logits, Tensor) or logits.ndim != 2 or len(logits) != 2:
        what = f"{tuple(logits.shape)}" if isinstance(logits, Tensor) else type(logits).__name__
        raise PeepholeError(
            f"{type(model).__name__} returns {what} for 2 pictures; expected logits [2,classes]: wrap the model so "
            "that it returns them."
        )
    return pictures, logits


def _take_apart(graph: Graph, tracer: CallTracer, model: nn.Module) -> tuple[list[Site], dict[int, str]]:
    """The call sites that the logits depend on, in order, and the name of each value."""
    output = next(node for node in graph.nodes if node.op == "output").args[0]
    picture = next((node for node in graph.nodes if node.op == "placeholder"), None)
    if not isinstance(output, Node):
        raise PeepholeError(f"{type(model).__name__} does not return one tensor; wrap it so that it returns logits.")
    wanted = {output}
    seen: set[nn.Module] = set()
    built: list[tuple[Node, nn.Module, tuple[Node, ...]]] = []
    for node in reversed(graph.nodes):
        if node in wanted and node in tracer.sites:
            module, inputs = _module(node, model, seen)
            built.append((node, module, inputs))
            wanted.update(inputs)
    numbers = {picture: 0} | {node: number for number, (node, _, _) in enumerate(reversed(built), start=1)}
    sites = [
        Site(tracer.sites[node], module.eval(), tuple(numbers[value] for value in inputs), numbers[node])
        for node, module, inputs in reversed(built)
    ]
    return sites, {numbers[node]: tracer.returned.get(node, tracer.sites[node]) for node, _, _ in built}


def _module(node: Node, model: nn.Module, seen: set[nn.Module]) -> tuple[nn.Module, tuple[Node, ...]]:
    """The module of a call site, and the values it takes."""
    if node.op != "call_module":
        return module_of(node, model)
    module = model.get_submodule(str(node.target))
    if module in seen:
        module = copy.deepcopy(module)
    seen.add(module)
    values = tuple(value for value in node.args if isinstance(value, Node) and value.op != "get_attr")
    plain = len(values) == len(node.args) and not node.kwargs
    return (module, values) if plain else generic(module, node, model)


def _cut(sites: list[Site], names: dict[int, str], pictures: Tensor) -> tuple[list[Site], list[Cut]]:
    """The sites with one that gives the input, and all cut points from there on."""
    owned = [value for value in crossings(sites) if isinstance(sites[value - 1].module, Normalise)]
    first = owned[0] if owned else len(sites) + 1
    if not owned:
        moved = [
            Site(site.name, site.module, tuple(value or first for value in site.inputs), site.output) for site in sites
        ]
        sites = [Site("input", nn.Identity().eval(), (0,), first), *moved]
    names = names | {first: "input"}
    whole = Canonical(sites, [Cut(names[value], value, ()) for value in crossings(sites)], ())
    values = whole.run(pictures, keep=whole.cuts)[1]
    start = whole.cuts.index("input")
    cuts = [
        Cut(name, whole.cut(name).value, tuple(values[name].shape[1:]))
        for name in whole.cuts[start:]
        if isinstance(values[name], Tensor)
    ]
    return sites, cuts


def _check(canonical: Canonical, model: nn.Module, pictures: Tensor, expected: Tensor) -> None:
    """The graph must compute what the model computes."""
    logits = canonical(pictures)
    if not expected.isfinite().all():
        raise PeepholeError(
            f"{type(model).__name__} gives NaN or infinite logits for random pictures; expected finite ones: look at "
            "its weights and running statistics."
        )
    tolerance = 1e-3 * float(1 + expected.abs().max())
    if logits.shape != expected.shape or not torch.allclose(logits, expected, rtol=0, atol=tolerance):
        raise PeepholeError(
            f"{type(model).__name__} gives other logits when it is taken apart; expected code that draws no random "
            "numbers in eval mode and reads no tensor after changing it in place."
        )
