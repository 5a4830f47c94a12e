"""A canonical graph as libraries like it that walk a model's modules: in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from peephole.attributions.canonical import Canonical
from peephole.attributions.site import Site


def in_sequence(model: Canonical, replace: Callable[[nn.Module], nn.Module] = lambda module: module) -> Canonical:
    """The same network with modules named ``0``, ``1``, … so that ``named_modules`` lists them as they run.

    Under their own names, modules that share a container stand together even where others run in between.

    Args:
        model: the graph; it is left alone and shares its modules with the new one.
        replace: what stands in the place of a module; must compute the same.
    """
    sites = [Site(str(i), replace(site.module), site.inputs, site.output) for i, site in enumerate(model.sites)]
    return Canonical(sites, [model.cut(name) for name in model.cuts], model.layers).eval()
