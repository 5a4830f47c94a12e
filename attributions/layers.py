"""Where a graph can be cut, and which of those places count as its layers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from torch import nn

from peephole.attributions.operations import Operation, name_of
from peephole.attributions.site import Cut, Site

POINTWISE = frozenset({Operation.SCALE, Operation.RELU, Operation.ACTIVATION, Operation.NORMALISATION})
"""Operations that leave every value in its place: their output belongs to the layer of their input."""

UNCHANGED: tuple[type[nn.Module], ...] = (nn.Identity, nn.modules.dropout._DropoutNd)
"""Modules that hand on what they get."""

GLOBAL: tuple[type[nn.Module], ...] = (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)
"""Pools to a size that the picture has no say in: with them the network's head begins."""

LOCAL: tuple[type[nn.Module], ...] = (nn.Conv2d, nn.ConvTranspose2d, nn.MaxPool2d)
"""Modules that may leave a single place of a small picture and still belong to the network's body."""


def crossings(sites: Sequence[Site]) -> Iterator[int]:
    """The numbers of the values that every path from value 0 to the last site's output crosses, in order.

    Sites stand in the order in which they run, and every one of them serves the last. A value is crossed exactly if
    no later site reads a value older than it. Arithmetic of shapes is no path: it knows nothing of the picture.
    """
    shapes = {site.output for site in sites if site.operation is Operation.SHAPE}
    made = {0: -1} | {site.output: position for position, site in enumerate(sites)}
    last_reader = dict.fromkeys(made, -1)
    for position, site in enumerate(sites):
        if site.output not in shapes:
            last_reader.update(dict.fromkeys(set(site.inputs) - shapes, position))
    reach = last_reader[0]
    for position, site in enumerate(sites):
        if site.output in shapes:
            continue
        if reach <= position:
            yield site.output
        reach = max(reach, last_reader[site.output])


def stays_in_place(site: Site) -> bool:
    """Whether a site leaves every value in its place."""
    return site.operation in POINTWISE or isinstance(site.module, UNCHANGED)


def is_padding(site: Site) -> bool:
    """Whether a site puts a margin around its input: what it returns is no layer, and belongs to what reads it."""
    name = name_of(site.module)
    return name == "pad" or name[:-2].endswith("Pad")


def choose(cuts: Sequence[Cut], sites: Sequence[Site]) -> tuple[str, ...]:
    """The cut points that count as layers: the first, then one for each run of those that have places.

    Convolution, normalisation and activation are one layer, and the layer is the last of them; so is what only orders
    the axes anew, or puts a token in front of the others. A margin around a tensor is none. The head is none: from a
    global pool, or the first cut point that is a mere list of numbers, on there are no layers.
    """
    position = {site.output: index for index, site in enumerate(sites)}
    groups = [cuts[0].name]
    last = cuts[0]
    for before, cut in itertools.pairwise(cuts):
        here = position[cut.value] + 1
        between = [site for site in sites[position[before.value] + 1 : here] if site.operation is not Operation.SHAPE]
        if (cut.frame is None and len(cut.shape) > 1) or (len(between) == 1 and is_padding(between[0])):
            continue
        if len(cut.spatial) != 3 or (_pools_all(between, before, cut) and not _looks_around(sites[here:])):
            break
        reordered = between[-1].operation is Operation.REARRANGEMENT and cut.spatial == last.spatial
        if len(between) == 1 and (stays_in_place(between[0]) or (reordered and cut.frame != last.frame)):
            if last is not cuts[0]:
                groups[-1] = cut.name
            elif not reordered:
                groups.append(cut.name)
        else:
            groups.append(cut.name)
        last = cut
    return tuple(groups)


def _pools_all(between: Sequence[Site], before: Cut, cut: Cut) -> bool:
    """Whether the sites between two neighbouring cut points pool all places of the picture."""
    shrinks = cut.spatial[1:] == (1, 1) != before.spatial[1:]
    return isinstance(between[-1].module, GLOBAL) or (shrinks and not any(isinstance(s.module, LOCAL) for s in between))


def _looks_around(sites: Sequence[Site]) -> bool:
    """Whether one of the sites mixes neighbouring places: then the head has not begun."""
    return any(isinstance(site.module, LOCAL) and site.module.kernel_size not in (1, (1, 1)) for site in sites)
