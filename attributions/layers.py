"""Where a graph can be cut, and which of those places count as its layers."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from torch import nn

from peephole.attributions.site import Cut, Site

POINTWISE: tuple[type[nn.Module], ...] = (
    nn.Identity,
    nn.modules.batchnorm._NormBase,
    nn.GroupNorm,
    nn.LocalResponseNorm,
    nn.modules.dropout._DropoutNd,
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.RReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish),
    *(nn.Sigmoid, nn.Tanh, nn.Softplus, nn.Softsign, nn.Hardtanh, nn.Hardsigmoid, nn.Hardswish, nn.LogSigmoid),
    *(nn.Threshold, nn.Hardshrink, nn.Softshrink, nn.Tanhshrink),
)
"""Modules that leave every value in its place: their output belongs to the layer of their input."""

GLOBAL: tuple[type[nn.Module], ...] = (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)
"""Pools to a size that the picture has no say in: with them the network's head begins."""

LOCAL: tuple[type[nn.Module], ...] = (nn.Conv2d, nn.ConvTranspose2d, nn.MaxPool2d)
"""Modules that may leave a single place of a small picture and still belong to the network's body."""

Modules = Sequence[nn.Module]


def crossings(sites: Sequence[Site]) -> Iterator[int]:
    """The numbers of the values that every path from value 0 to the last site's output crosses, in order.

    Sites stand in the order in which they run, and every one of them serves the last. A value is crossed exactly if
    no later site reads a value older than it.
    """
    made = {0: -1} | {site.output: position for position, site in enumerate(sites)}
    last_reader = dict.fromkeys(made, -1)
    for position, site in enumerate(sites):
        last_reader.update(dict.fromkeys(site.inputs, position))
    reach = last_reader[0]
    for position, site in enumerate(sites):
        if reach <= position:
            yield site.output
        reach = max(reach, last_reader[site.output])


def choose(cuts: Sequence[Cut], sites: Sequence[Site]) -> tuple[str, ...]:
    """The cut points that count as layers: the first, then one for each run of spatial ones (shape ``[C,H,W]``).

    Convolution, normalisation and activation are one layer, and the layer is the last of them. The head is none:
    from a global pool, or the first cut point without height and width, on there are no layers.
    """
    position = {site.output: index for index, site in enumerate(sites)}
    modules = [site.module for site in sites]
    groups = [cuts[0].name]
    for before, cut in itertools.pairwise(cuts):
        here = position[cut.value] + 1
        between = modules[position[before.value] + 1 : here]
        if len(cut.shape) != 3 or (_pools_all(between, before, cut) and not _looks_around(modules[here:])):
            break
        if len(between) == 1 and isinstance(between[0], POINTWISE) and before is not cuts[0]:
            groups[-1] = cut.name
        else:
            groups.append(cut.name)
    return tuple(groups)


def _pools_all(between: Modules, before: Cut, cut: Cut) -> bool:
    """Whether the modules between two neighbouring cut points pool all places of the picture."""
    shrinks = cut.shape[1:] == (1, 1) != before.shape[1:]
    return isinstance(between[-1], GLOBAL) or (shrinks and not any(isinstance(module, LOCAL) for module in between))


def _looks_around(modules: Modules) -> bool:
    """Whether one of the modules mixes neighbouring places: then the head has not begun."""
    return any(isinstance(module, LOCAL) and module.kernel_size not in (1, (1, 1)) for module in modules)
