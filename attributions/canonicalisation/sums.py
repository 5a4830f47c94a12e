"""Sums of sums and averages of averages, each made one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from peephole.attributions.canonicalisation.probing import draw, equal
from peephole.attributions.operations import Add, Affine, Operation, Region, WeightedSum
from peephole.attributions.site import Site

Term = tuple[int, float]
"""The number of a value, and the factor before it."""


def join_sums(sites: Sequence[Site], like: Tensor) -> list[Site]:
    """The sites, with sums that only a sum reads made part of it, and averages that only an average reads.

    ``(a + b) + c``, ``a + (b + c)`` and ``stack([a, b, c]).sum(0)`` are one sum of three, and a mean over rows of a
    mean over columns is one mean: a sum has no brackets. Factors go before each summand. What an average pool leaves
    is a layer, and stays one.

    Args:
        sites: of a network, with the shapes of what they return.
        like: a tensor of the network's type.
    """
    readers = Counter(value for site in sites for value in set(site.inputs))
    made_by: dict[int, Site] = {}
    for site in sites:
        if site.operation is Operation.AVERAGE and len(site.inputs) == 1:
            site = _of_stack(site, made_by, readers, like) or _of_average(site, made_by, readers)
        if site.operation is Operation.SUM:
            site = _of_sums(site, made_by, readers, like)
        elif site.operation is Operation.SCALE:
            site = _of_sum(site, made_by, readers, like)
        made_by[site.output] = site
    return _served(list(made_by.values()))


def _of_sums(site: Site, made_by: dict[int, Site], readers: Counter[int], like: Tensor) -> Site:
    """A sum of what its summands are sums of, or multiples."""
    terms: dict[int, float] = {}
    for value, weight in zip(site.inputs, _weights(site), strict=True):
        for below, factor in _terms(value, made_by, readers, like) or [(value, 1.0)]:
            terms[below] = terms.get(below, 0.0) + weight * factor
    if tuple(terms) == site.inputs:
        return site
    plain = len(terms) == 2 and set(terms.values()) == {1.0}
    module = Add() if plain else WeightedSum(tuple(terms.values()))
    return replace(site, module=module.eval(), inputs=tuple(terms), known=None)


def _of_sum(site: Site, made_by: dict[int, Site], readers: Counter[int], like: Tensor) -> Site:
    """A multiple of a sum as a sum of multiples."""
    below = made_by.get(site.inputs[0]) if len(site.inputs) == 1 else None
    if below is None or below.operation is not Operation.SUM or readers[below.output] > 1:
        return site
    factor = _factor(site, like)
    if factor is None:
        return site
    module = WeightedSum(tuple(factor * weight for weight in _weights(below))).eval()
    return replace(site, module=module, inputs=below.inputs, known=None)


def _weights(site: Site) -> tuple[float, ...]:
    return site.module.weights if isinstance(site.module, WeightedSum) else (1.0,) * len(site.inputs)


def _terms(value: int, made_by: dict[int, Site], readers: Counter[int], like: Tensor) -> list[Term] | None:
    """What a value that only a sum reads is a sum of, or a multiple; None if it is neither."""
    site = made_by.get(value)
    if site is None or readers[value] > 1:
        return None
    if site.operation is Operation.SUM:
        return list(zip(site.inputs, _weights(site), strict=True))
    factor = _factor(site, like)
    if factor is None:
        return None
    below = _terms(site.inputs[0], made_by, readers, like) or [(site.inputs[0], 1.0)]
    return [(each, factor * weight) for each, weight in below]


def _factor(site: Site, like: Tensor) -> float | None:
    """The number that a site multiplies by, if that is all it does."""
    if site.operation is not Operation.SCALE or len(site.inputs) != 1 or not site.shape:
        return None
    if isinstance(site.module, Affine):
        return None if site.module.shift else site.module.factor
    tensors = [*site.module.parameters(), *site.module.buffers()]
    if any(tensor.numel() > 1 for tensor in tensors):
        return None
    zeros = torch.zeros(site.shape).to(like)
    scaled = site.module(zeros + 1)
    one = scaled.flatten()[0]
    return None if site.module(zeros).any() or not torch.equal(scaled, one.expand_as(scaled)) else float(one)


def _of_stack(site: Site, made_by: dict[int, Site], readers: Counter[int], like: Tensor) -> Site | None:
    """A sum over an axis along which tensors were put together, as a sum of these."""
    parts, value = [site], site.inputs[0]
    while value in made_by and made_by[value].operation is Operation.REARRANGEMENT and readers[value] == 1:
        parts.append(made_by[value])
        if len(made_by[value].inputs) != 1:
            break
        value = made_by[value].inputs[0]
    first = parts[-1]
    shapes = [made_by[each].shape for each in first.inputs if each in made_by]
    if len(first.inputs) < 2 or shapes != [site.shape] * len(first.inputs):
        return None

    def whole(*tensors: Tensor) -> Tensor:
        found: Tensor = first.module(*tensors)
        for part in reversed(parts[:-1]):
            found = part.module(found)
        return found

    zeros, ones = (torch.full(site.shape, number).to(like) for number in (0.0, 1.0))
    count = len(first.inputs)
    alone = [whole(*[ones if index == other else zeros for other in range(count)]) for index in range(count)]
    weights = tuple(float(each.flatten()[0]) for each in alone)
    tensors = [draw(zeros, 20 + index) for index in range(count)]
    summed = WeightedSum(weights).eval()
    if not equal(whole(*tensors), summed(*tensors)):
        return None
    return replace(site, module=summed, inputs=first.inputs, known=None)


def _of_average(site: Site, made_by: dict[int, Site], readers: Counter[int]) -> Site:
    """An average of what only it reads and what is an average, as one, unless there is a picture in between."""
    parts, value = [site], site.inputs[0]
    while value in made_by and readers[value] == 1 and len(made_by[value].inputs) == 1:
        below = made_by[value]
        if below.operation is Operation.AVERAGE:
            if len(below.shape) == 4 and min(below.shape[2:]) > 1:
                break  # a picture again, as a pool leaves it: a layer of its own
            parts.append(below)
            modules: list[nn.Module] = [part.module for part in reversed(parts)]
            reads: list[tuple[int, ...]] = [(index - 1,) for index in range(len(modules))]
            names = tuple(part.name for part in reversed(parts[1:]))
            region = Region(modules, reads, names).eval()
            return replace(site, module=region, inputs=below.inputs, known=Operation.AVERAGE)
        if below.operation is not Operation.REARRANGEMENT or _shifts(below):
            break
        parts.append(below)
        value = below.inputs[0]
    return site


def _shifts(site: Site) -> bool:
    """Whether a rearrangement puts numbers of its own between those it is given."""
    like = next(iter(site.module.buffers()), torch.zeros(()))
    return bool(like.numel()) and any(tensor.any() for tensor in site.module.buffers())


def _served(sites: Sequence[Site]) -> list[Site]:
    """Without the sites whose values nothing reads any more."""
    wanted = {sites[-1].output}
    kept: list[Site] = []
    for site in reversed(sites):
        if site.output in wanted:
            kept.append(site)
            wanted.update(site.inputs)
    return kept[::-1]
