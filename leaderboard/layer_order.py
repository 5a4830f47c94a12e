"""The layers of a network in its order, from methods that have maps at some of them each; torch-free."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

INPUT = "input"
"""The picture itself, as every network's first layer is called."""


def network_order(paths: Iterable[Sequence[str]]) -> list[str]:
    """All layers that occur in ``paths``, each of which is in the network's order; `INPUT` is before all others.

    What no path tells apart comes in the order of first appearance, and all of it does if two paths contradict each
    other, as tables of two networks may.
    """
    known = [tuple(path) for path in dict.fromkeys(map(tuple, paths))]
    seen = list(dict.fromkeys(layer for path in sorted(known, key=len, reverse=True) for layer in path))
    order: TopologicalSorter[str] = TopologicalSorter({layer: [] for layer in seen})
    for path in known:
        for below, above in pairwise(path):
            order.add(above, below)
        if INPUT in seen and path[0] != INPUT:
            order.add(path[0], INPUT)
    try:
        return list(order.static_order())
    except CycleError:
        return seen
