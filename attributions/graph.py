"""From any traceable network to its canonical graph."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from peephole.attributions.canonical import Canonical
from peephole.attributions.canonicalisation.checking import (
    check_batch,
    check_graph,
    check_repeated,
    takes_channels_last,
)
from peephole.attributions.canonicalisation.gradient_check import check_gradient
from peephole.attributions.canonicalisation.logits_check import check_logits
from peephole.attributions.canonicalisation.lowering import Lowered, lower
from peephole.attributions.canonicalisation.own_copy import own_copy
from peephole.attributions.canonicalisation.placing import place
from peephole.attributions.canonicalisation.regions import join_regions
from peephole.attributions.canonicalisation.scales import join_scales
from peephole.attributions.canonicalisation.sums import join_sums
from peephole.attributions.classifier import Normalise
from peephole.attributions.frames import PLAIN
from peephole.attributions.layers import choose, crossings
from peephole.attributions.operations import Operation
from peephole.attributions.site import Cut, Site
from peephole.attributions.tracing import check_signature, trace
from peephole.errors import PeepholeError
from peephole.network_copy import deep_copy

__all__ = ["Canonical", "canonicalise"]

Size = tuple[int, int, int]

SIZES: tuple[Size, ...] = ((3, 32, 32), (3, 224, 224))
"""The sizes of pictures that are tried when none is given."""


def canonicalise(model: nn.Module, size: Size | None = None) -> Canonical:
    """The canonical graph of ``model``: a deep copy, traced, in eval mode, frozen, one module a call site.

    Whatever way the network's code writes an operation (a module, a subclass of one, a function, a method, an operator,
    with its arguments by place or by name), it becomes one of a small vocabulary,
    `peephole.attributions.operations.Operation`: by its name where that says enough, else by the numbers that it gives.
    A module that is called twice becomes two; nothing works in place; weights that are computed (weight and spectral
    normalisation, pruning, standardised weights) are what they are at this moment. `DataParallel` and `torch.compile`
    are unwrapped. ``model`` itself, its mode and the global random state stay as they are.

    What is given back was checked on random pictures: it gives the logits that the model gives; those are no
    probabilities; a picture's are the same alone, in another place and among others; a gradient reaches the picture.

    Args:
        model: pictures ``[B,C,H,W]`` in [0,1] to logits ``[B,classes]``, on any device.
        size: channels, height and width of its pictures. If not given, 3×32×32 and then 3×224×224 is tried; the layers
            of a network that takes both are the same for both.

    Raises:
        PeepholeError: the model cannot be traced (the message names the line of its code), is a scripted or quantised
            one, does not take such pictures, returns something else than logits, works differently when it is taken
            apart (a model that draws random numbers in eval mode), or fails one of the checks above.
    """
    model = own_copy(model)
    check_signature(model)
    tensor = next(itertools.chain(model.parameters(), model.buffers()), torch.zeros(()))
    # A model that draws random numbers even in eval mode must not move the caller's.
    with torch.no_grad(), torch.random.fork_rng([tensor.device] if tensor.is_cuda else []):
        pictures, expected = _try(model, tensor, *((size,) if size else SIZES))
        check_repeated(model, pictures, expected)
        graph, tracer = trace(model, pictures)
        own = deep_copy(model) if any(getattr(module, "inplace", False) for module in model.modules()) else model
        for module in model.modules():
            if getattr(module, "inplace", False):
                module.inplace = False  # type: ignore[assignment]
        lowered = lower(graph, tracer, model, pictures)
        shaped = [replace(site, shape=lowered.shapes.get(site.output, ())) for site in lowered.sites]
        joined = join_scales(join_regions(shaped, lambda number: _example(lowered, number, pictures)))
        lowered.sites = join_sums(joined, pictures)
        check_logits(model, expected, lowered.sites)
        canonical = _built(lowered, pictures, one_size=tracer.decided_by_shape)
        check_graph(canonical, own, pictures, expected)
        check_batch(canonical, model, pictures, expected)
        check_gradient(canonical, own, pictures)
        canonical.channels_last = takes_channels_last(canonical, pictures, expected)
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


def _example(lowered: Lowered, number: int, pictures: Tensor) -> Tensor:
    """A random tensor like a value."""
    if number == 0:
        return pictures
    draw = torch.randn(lowered.shapes.get(number, (1,)), generator=torch.Generator().manual_seed(number))
    return draw.to(pictures)


def _built(lowered: Lowered, pictures: Tensor, *, one_size: bool) -> Canonical:
    """The graph of the sites, with a site that gives the input, cut points and layers."""
    sites, names, first = _with_input(lowered)
    two, three = (_values(sites, some) for some in (pictures, pictures[[0, 1, 1]]))
    shapes = {number: tuple(value.shape) for number, value in two.items() if isinstance(value, Tensor)}
    batches = {number: _batch(shape, tuple(three[number].shape)) for number, shape in shapes.items()}
    rows = {
        number: shape
        for number, shape in shapes.items()
        if batches[number] == (0, 2) and two[number].is_floating_point()
    }
    sites = place(sites, rows, pictures, lambda start, value, number: _value(sites, two, start, value, number))
    sites = [
        replace(
            site,
            batch_first=batches.get(site.output, (0, 2)) == (0, 2),
            shape=shapes.get(site.output, ()),
            read=(two[site.output], three[site.output])
            if site.operation is Operation.SHAPE and site.output not in shapes
            else None,
        )
        for site in sites
    ]
    frames = {site.output: site.frame for site in sites}
    crossed = [number for number in crossings(sites) if number in shapes and batches[number] is not None]
    cuts = []
    for number in crossed[crossed.index(first) :]:
        axis, count = batches[number] or (0, 2)
        shape = (*shapes[number][:axis], *shapes[number][axis + 1 :])
        frame = frames[number] if number != first else PLAIN
        cuts.append(Cut(names[number], number, shape, frame if (axis, count) == (0, 2) else None, (axis, count)))
    layers = choose(cuts, sites)
    canonical = Canonical(sites, cuts, layers, one_size=one_size).eval()
    told = [layer for layer in layers if canonical.cut(layer).frame != PLAIN]
    blind = _without_gradient(canonical, pictures, told) if told else set()
    return Canonical(sites, cuts, [layer for layer in layers if layer not in blind], one_size=one_size).eval()


def _with_input(lowered: Lowered) -> tuple[list[Site], dict[int, str], int]:
    """The sites with one that gives the input, the names of their values, and the number of the input."""
    sites = lowered.sites
    owned = [value for value in crossings(sites) if isinstance(_site_of(sites, value).module, Normalise)]
    first = owned[0] if owned else max(site.output for site in sites) + 1
    if not owned:
        moved = [replace(site, inputs=tuple(value or first for value in site.inputs)) for site in sites]
        sites = [Site("input", nn.Identity().eval(), (0,), first), *moved]
    named = {site.output: site.name for site in sites}
    return sites, named | lowered.names | {first: "input"}, first


def _site_of(sites: Sequence[Site], value: int) -> Site:
    return next(site for site in sites if site.output == value)


def _values(sites: Sequence[Site], pictures: Tensor) -> dict[int, Any]:
    """All values: tensors without their numbers, what is no tensor as it is."""
    made: dict[int, Any] = {0: pictures}
    last = {value: index for index, site in enumerate(sites) for value in site.inputs}
    for index, site in enumerate(sites):
        made[site.output] = site.module(*[made[value] for value in site.inputs])
        for value in set(site.inputs):
            if last[value] == index and isinstance(made[value], Tensor):
                made[value] = made[value].to("meta")
    return made


def _value(sites: Sequence[Site], usual: Mapping[int, Any], start: int, value: Tensor, number: int) -> Tensor:
    """One value, from another through which all of the network passes, and from what is known of shapes."""
    made: dict[int, Any] = {start: value}
    begun = start == 0
    for site in sites:
        if number in made:
            break
        if begun:
            made[site.output] = site.module(*[made[each] if each in made else usual[each] for each in site.inputs])
        begun = begun or site.output == start
    found: Tensor = made[number]
    return found


def _batch(two: tuple[int, ...], three: tuple[int, ...]) -> tuple[int, int] | None:
    """The axis of the batch and its rows for two pictures, from the shapes for two and three; None if there is none."""
    if len(two) != len(three):
        return None
    other = [axis for axis, (one, more) in enumerate(zip(two, three, strict=True)) if one != more]
    if len(other) != 1 or 2 * three[other[0]] != 3 * two[other[0]]:
        return None
    return other[0], two[other[0]]


def _without_gradient(canonical: Canonical, pictures: Tensor, layers: Sequence[str]) -> set[str]:
    """The layers no place of which any logit depends on: above the last block of a network that reads a class token."""
    with torch.enable_grad():
        logits, kept = canonical.run(pictures.clone().requires_grad_(), keep=layers)
        weights = torch.randn(logits.shape, generator=torch.Generator().manual_seed(0)).to(logits)
        values = [kept[layer] for layer in layers]
        gradients = torch.autograd.grad((logits * weights).sum(), values, allow_unused=True)
    blind = {
        layer
        for layer, gradient in zip(layers, gradients, strict=True)
        if gradient is None or not canonical.picture(layer, gradient).any()
    }
    # Where all are, the network's weights are zero (as a head's may be before training), and nothing is said of layers.
    return blind if len(blind) < len(layers) else set()
