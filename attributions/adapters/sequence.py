"""A canonical graph as libraries like it that walk a model's modules: in the order in which they run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from torch import nn

from peephole.attributions.canonical import Canonical


def in_sequence(model: Canonical, replace: Callable[[nn.Module], nn.Module] = lambda module: module) -> Canonical:
    """The same network with modules named ``0``, ``1``, … so that ``named_modules`` lists them as they run.

    Under their own names, modules that share a container stand together even where others run in between.

    Args:
        model: the graph; it is left alone and shares its modules with the new one.
        replace: what stands in the place of a module; must compute the same.
    """
    sites = [
        dataclasses.replace(site, name=str(number), module=replace(site.module))
        for number, site in enumerate(model.sites)
    ]
    return model.rebuilt(sites, [model.cut(name) for name in model.cuts], model.layers)
