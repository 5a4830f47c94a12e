"""Functions of one tensor that a network's code spells out in several calls, put together again."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from peephole.attributions.canonicalisation.probing import Found, probe
from peephole.attributions.operations import Operation, Region, operation_of
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

OF_A_NUMBER = frozenset({Operation.SCALE, Operation.RELU, Operation.ACTIVATION})
OF_A_MAXIMUM = frozenset({Operation.REARRANGEMENT, Operation.SCALE, Operation.MAXIMUM})

Draw = Callable[[int], Tensor]
"""From the number of a value to a tensor of its shape."""


def join_regions(sites: Sequence[Site], draw: Draw) -> list[Site]:
    """The sites, with every region that is one known function of one tensor made one site.

    A region begins at a value and ends at a value through which all that was made of the first passes; nothing else
    that depends on the picture enters it. Three kinds are looked for: diamonds, whose first value is read more than
    once (``x * sigmoid(x)``, ``x * (x > 0)``, a layer normalisation written by hand), chains of functions of one
    number, the same everywhere (``relu6(x + 3) / 6``), and maxima over a new axis (``stack([x, 0]).amax(0)``). A region
    is joined if numbers say that it is an activation or a normalisation, see
    `peephole.attributions.canonicalisation.probing.probe`; a chain around a plain ReLU stays as it was written, unless
    the whole is a ReLU again.

    Args:
        sites: of a network.
        draw: example tensors.
    """
    network = _Sites(sites)
    for start in [0, *(site.output for site in sites)]:
        for region in network.diamonds(start):
            if network.join(region, start, draw):
                break
        for find in (network.chain, network.maximum):
            region = find(start)
            if region:
                network.join(region, start, draw)
    return network.joined()


class _Sites:
    """The call sites of a network, with what reads each value, while some are put together.

    Args:
        sites: in the order in which they run.
    """

    def __init__(self, sites: Sequence[Site]) -> None:
        self._made_at = {site.output: place for place, site in enumerate(sites)}
        self._sites: list[Site | None] = list(sites)
        self._modules: dict[int, tuple[nn.Module, ...]] = {}
        self._readers: dict[int, set[int]] = {}
        for place, site in enumerate(sites):
            for value in site.inputs:
                self._readers.setdefault(value, set()).add(place)

    def _at(self, place: int) -> Site:
        site = self._sites[place]
        assert site is not None
        return site

    def _readers_of(self, value: int) -> set[int]:
        return self._readers.get(value, set())

    def diamonds(self, start: int) -> Iterator[list[Site]]:
        """The regions from a value that is read more than once to each value that closes them, the smallest first."""
        waiting = [place for place in self._readers_of(start) if self._at(place).operation is not Operation.SHAPE]
        if len(waiting) < 2:
            return
        heapq.heapify(waiting)
        queued, inside, region = set(waiting), {start}, list[Site]()
        open_reads = len(waiting)
        while waiting and len(region) < LONGEST:
            site = self._at(heapq.heappop(waiting))
            if site.operation not in ARITHMETIC or not inside.issuperset(site.inputs):
                return
            region.append(site)
            inside.add(site.output)
            further = self._readers_of(site.output)
            for place in further - queued:
                queued.add(place)
                if self._at(place).operation is not Operation.SHAPE:
                    heapq.heappush(waiting, place)
            open_reads += len(further) - len(set(site.inputs))
            if open_reads == len(further) and len(region) > 1:
                yield list(region)

    def chain(self, start: int) -> list[Site]:
        """The longest chain of functions of one number from a value on; none if all of them are of one kind."""
        region = list(self._line(start, lambda site: site.operation in OF_A_NUMBER and _of_one_number(site)))
        return region if len({site.operation for site in region}) > 1 else []

    def maximum(self, start: int) -> list[Site]:
        """The chain from a value to a maximum that gives a tensor of its shape again."""
        region: list[Site] = []
        for site in self._line(start, lambda site: site.operation in OF_A_MAXIMUM):
            if not region and site.operation is Operation.SCALE:
                return []  # it stands before what may be a ReLU, and is found from its own output
            region.append(site)
            if site.operation is Operation.MAXIMUM:
                before = self._sites[self._made_at[start]] if start in self._made_at else None
                return region if len(region) > 1 and before is not None and site.shape == before.shape else []
        return []

    def _line(self, start: int, wanted: Callable[[Site], bool]) -> Iterator[Site]:
        value = start
        for _ in range(LONGEST):
            readers = self._readers_of(value)
            if len(readers) != 1:
                return
            site = self._at(next(iter(readers)))
            if len(site.inputs) != 1 or not wanted(site):
                return
            yield site
            value = site.output

    def join(self, parts: Sequence[Site], start: int, draw: Draw) -> bool:
        """Make a region one site, if it is one known function; whether it was."""
        joined = _joined(parts, start)
        found = probe(joined.module, draw(start))
        if found is None or not _is_worth(found, parts):
            return False
        module = found.modules[0] if len(found.modules) == 1 else joined.module
        end = self._made_at[parts[-1].output]
        for part in parts:
            place = self._made_at[part.output]
            self._sites[place] = None
            for value in part.inputs:
                self._readers[value].discard(place)
        self._readers.setdefault(start, set()).add(end)
        self._sites[end] = replace(joined, module=module.eval(), known=found.operation)
        if len(found.modules) > 1:
            self._modules[end] = found.modules
        return True

    def joined(self) -> list[Site]:
        """The sites as they are now."""
        fresh = max(self._made_at, default=0) + 1
        sites: list[Site] = []
        for place, site in enumerate(self._sites):
            if site is None:
                continue
            *before, last = self._modules.get(place, (site.module,))
            reading, known = site.inputs, site.known if not before else operation_of(last)
            for index, module in enumerate(before):
                name = f"{site.name}_part_{index}"
                sites.append(replace(site, name=name, module=module.eval(), inputs=reading, output=fresh, known=None))
                reading, fresh = (fresh,), fresh + 1
            sites.append(replace(site, module=last.eval(), inputs=reading, known=known))
        return sites


def _is_worth(found: Found, parts: Sequence[Site]) -> bool:
    """Whether a region says more as one function than as its parts."""
    if found.operation not in (Operation.ACTIVATION, Operation.NORMALISATION, Operation.RELU):
        return False
    if any(len(site.inputs) > 1 for site in parts) or any(site.operation is Operation.MAXIMUM for site in parts):
        return True
    if len(found.modules) == 1:
        return True
    # A chain around a plain ReLU says more than the whole: there is a ReLU.
    plain = not any(site.operation is Operation.ACTIVATION or _has_ceiling(site) for site in parts)
    if found.operation is Operation.RELU:
        return not plain or (found.ceiling and sum(site.operation is Operation.RELU for site in parts) > 1)
    return found.operation is Operation.ACTIVATION and not plain


def _joined(parts: Sequence[Site], start: int) -> Site:
    """The region as one site."""
    index = {start: -1} | {site.output: place for place, site in enumerate(parts)}
    reads = [tuple(index[value] for value in site.inputs) for site in parts]
    module = Region([site.module for site in parts], reads, tuple(site.name for site in parts[:-1]))
    return replace(parts[-1], module=module, inputs=(start,))


def _has_ceiling(site: Site) -> bool:
    """Whether a site is a ReLU that stops rising."""
    return site.operation is Operation.RELU and not isinstance(site.module, nn.ReLU)


def _of_one_number(site: Site) -> bool:
    """Whether a site is the same function everywhere, as far as its tensors say: they have one number each."""
    tensors = [*site.module.parameters(), *site.module.buffers()]
    return all(isinstance(tensor, torch.Tensor) and tensor.numel() == 1 for tensor in tensors)
