"""Functions of one tensor that a network's code spells out in several calls, put together again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from peephole.attributions.canonicalisation.probing import probe
from peephole.attributions.operations import Operation, Region
from peephole.attributions.site import Site

LONGEST = 16
"""The most call sites that are tried as one function: ``x·sigmoid(x)`` has two, a layer normalisation eight."""

ARITHMETIC = frozenset(
    {
        *(Operation.SCALE, Operation.RELU, Operation.ACTIVATION, Operation.SUM, Operation.PRODUCT, Operation.AVERAGE),
        *(Operation.REARRANGEMENT, Operation.NORMALISATION, Operation.AFFINE, Operation.OPAQUE, Operation.MAXIMUM),
    }
)
"""What a region may be made of: anything without weights to be read and without attention."""

Draw = Callable[[int], Tensor]
"""From the number of a value to a tensor of its shape."""


def join_regions(sites: Sequence[Site], draw: Draw) -> list[Site]:
    """The sites, with every region that is one known function of one tensor made one site.

    A region begins at a value and ends at a value through which all that was made of the first passes; nothing else
    that depends on the picture enters it. Two kinds are looked for: diamonds, whose first value is read more than once
    (``x * sigmoid(x)``, ``x * (x > 0)``, a layer normalisation written by hand), and chains of functions of one
    number, the same everywhere (``relu6(x + 3) / 6``). A region is joined if numbers say that
    it is an activation or a normalisation, see `peephole.attributions.canonicalisation.probing.probe`; a chain around a
    plain ReLU stays as it was written, unless the whole is a ReLU again.

    Args:
        sites: of a network.
        draw: example tensors.
    """
    sites = list(sites)
    for start in [0, *(site.output for site in sites)]:
        for find in (_diamond, _chain):
            sites = _with_region(sites, start, find(sites, start), draw)
    return sites


def _with_region(sites: list[Site], start: int, region: frozenset[int] | None, draw: Draw) -> list[Site]:
    """The sites with a region made one, if it is one known function."""
    if region is None:
        return sites
    parts = [site for site in sites if site.output in region]
    joined = _joined(parts, start)
    found = probe(joined.module, draw(start))
    chain = all(len(site.inputs) == 1 for site in parts)
    if found is None or found.operation not in (Operation.ACTIVATION, Operation.NORMALISATION, Operation.RELU):
        return sites
    # A chain around a plain ReLU says more than the whole: there is a ReLU.
    plain = not any(site.operation is Operation.ACTIVATION or _has_ceiling(site) for site in parts)
    if chain and found.module is None and (found.operation is not Operation.ACTIVATION or plain):
        return sites
    end = parts[-1].output
    joined = replace(joined, module=(found.module or joined.module).eval(), known=found.operation)
    kept = [site for site in sites if site.output not in region or site.output == end]
    return [joined if site.output == end else site for site in kept]


def _joined(parts: Sequence[Site], start: int) -> Site:
    """The region as one site."""
    index = {start: -1} | {site.output: place for place, site in enumerate(parts)}
    reads = [tuple(index[value] for value in site.inputs) for site in parts]
    module = Region([site.module for site in parts], reads, tuple(site.name for site in parts[:-1]))
    return replace(parts[-1], module=module, inputs=(start,))


def _diamond(sites: Sequence[Site], start: int) -> frozenset[int] | None:
    """The smallest region that begins at a value which is read more than once; the numbers of the values it makes."""
    readers = Counter(value for site in sites for value in set(site.inputs))
    of_values = sum(start in site.inputs for site in sites if site.operation is not Operation.SHAPE)
    if of_values < 2:
        return None
    open_reads, region = of_values, set[int]()
    inside = {start}
    for site in sites:
        if site.operation is Operation.SHAPE or not inside.intersection(site.inputs):
            continue
        if site.operation not in ARITHMETIC or not inside.issuperset(site.inputs) or len(region) == LONGEST:
            return None
        inside.add(site.output)
        region.add(site.output)
        open_reads += readers[site.output] - len(set(site.inputs))
        if open_reads == readers[site.output]:
            return frozenset(region) if len(region) > 1 else None
    return None


def _chain(sites: Sequence[Site], start: int) -> frozenset[int] | None:
    """The longest chain of functions of one number from a value on that ends in a number's own scale."""
    readers = Counter(value for site in sites for value in site.inputs)
    by_input = {site.inputs[0]: site for site in sites if len(site.inputs) == 1}
    region: list[int] = []
    value = start
    while readers[value] == 1 and value in by_input and len(region) < LONGEST:
        site = by_input[value]
        if site.operation not in (Operation.SCALE, Operation.RELU, Operation.ACTIVATION) or not _of_one_number(site):
            break
        value = site.output
        region.append(value)
    kinds = {site.operation for site in sites if site.output in region}
    return frozenset(region) if len(region) > 1 and len(kinds) > 1 else None


def _has_ceiling(site: Site) -> bool:
    """Whether a site is a ReLU that stops rising."""
    return site.operation is Operation.RELU and not isinstance(site.module, nn.ReLU)


def _of_one_number(site: Site) -> bool:
    """Whether a site is the same function everywhere, as far as its tensors say: they have one number each."""
    tensors = [*site.module.parameters(), *site.module.buffers()]
    return all(isinstance(tensor, torch.Tensor) and tensor.numel() == 1 for tensor in tensors)
