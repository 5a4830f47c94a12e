"""The layers of a network in its order, from methods that have maps at some of them each; torch-free."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from graphlib import TopologicalSorter
from itertools import pairwise


def network_order(paths: Iterable[Sequence[str]]) -> list[str]:
    """All layers that occur in ``paths``, each of which is in the network's order.

    Raises:
        graphlib.CycleError: two paths contradict each other.
    """
    order: TopologicalSorter[str] = TopologicalSorter()
    for path in paths:
        order.add(path[0])
        for below, above in pairwise(path):
            order.add(above, below)
    return list(order.static_order())
