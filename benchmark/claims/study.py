"""What claims are examined on: a planned run, its store, and what is read from it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from peephole.cells import collect
from peephole.certificates import is_certified
from peephole.claims.extent import Extent
from peephole.errors import PeepholeError
from peephole.leaderboard.cells import Cell
from peephole.leaderboard.layer_order import network_order
from peephole.plan import Backdoor, Plan, Row
from peephole.triggers import texts
from peephole.units.base import Unit
from peephole.units.clean_model import CleanModel
from peephole.workspace import Workspace


@dataclass(frozen=True, eq=False)
class Values:
    """Scores of several methods at every layer under one trigger and metric, on the pictures that all of them have.

    Attributes:
        trigger, metric: which condition.
        methods, layers: the first two axes; layers in the network's order.
        value: float64 ``[M,L,P]``, the pictures of the models one after the other; NaN at a layer where a method has
            no map.
        chance, best: float64 ``[P]``.
        sizes: the number of pictures of each model.
        places: int64 ``[P]``, each picture's place among those of its model.
        seeds: of the models.
        lower: whether lower is better.
    """

    trigger: str
    metric: str
    methods: tuple[str, ...]
    layers: tuple[str, ...]
    value: NDArray[np.float64]
    chance: NDArray[np.float64]
    best: NDArray[np.float64]
    sizes: tuple[int, ...]
    places: NDArray[np.int64]
    seeds: tuple[int, ...]
    lower: bool


@dataclass(eq=False)
class Study:
    """A planned run with all methods that claims need.

    Attributes:
        plan: of the run.
        workspace: to read its store with.
        extent: of what is looked at beside the run.
        quick: whether it is a smoke test.
        available: digests of the units whose results are there; empty before they are computed.
    """

    plan: Plan
    workspace: Workspace
    extent: Extent
    quick: bool = False
    available: frozenset[str] = frozenset()
    _kept: dict[tuple[str, str], list[Cell]] = field(default_factory=dict)

    @property
    def clean_models(self) -> list[CleanModel]:
        """The clean model of each seed."""
        return list({backdoor.clean.digest: backdoor.clean for backdoor in self.plan.backdoors}.values())

    def has(self, unit: Unit) -> bool:
        """Whether the result of a unit is there."""
        return unit.digest in self.available

    def triggers(self, *names: str) -> list[str]:
        """The texts of the run's triggers that are of these kinds, such as ``square``; in the order of the names."""
        known = list(dict.fromkeys(backdoor.trigger for backdoor in self.plan.backdoors))
        return [text for name in names for text in known if texts.name_of(text) == name]

    def backdoors(self, *names: str) -> list[Backdoor]:
        """The poisoned models with triggers of these kinds, all seeds."""
        wanted = self.triggers(*names)
        return [backdoor for backdoor in self.plan.backdoors if backdoor.trigger in wanted]

    def is_certified(self, backdoor: Backdoor) -> bool:
        """Whether a poisoned model is there and meets its gates; what one looks at that does not is not known."""
        return self.has(backdoor.model) and is_certified(backdoor, self.plan, self.workspace)

    def rows(self, methods: Collection[str], metrics: Collection[str], *names: str) -> list[Row]:
        """The rows of the plan with these methods under triggers of these kinds that score one of these metrics."""
        methods = {self._method(method) for method in methods}
        wanted = self.triggers(*names)
        return [
            row
            for row in self.plan.rows
            if row.method in methods and row.backdoor.trigger in wanted and set(metrics) & set(row.metrics)
        ]

    def values(self, metric: str, methods: Sequence[str], name: str) -> Values:
        """What a metric says of methods under the trigger of a kind, on the reported pictures that all of them have.

        Models that miss their gates are left out: what they look at is not known.

        Raises:
            PeepholeError: in a sentence, what is missing.
        """
        found = self.triggers(name)
        if not found:
            raise PeepholeError(f"the suite has no trigger {name}")
        trigger, asked = found[0], tuple(self._method(method) for method in methods)
        cells = {
            (cell.seed, cell.method, cell.layer): cell
            for method in asked
            for cell in self._cells(method, metric, trigger)
            if cell.certified
        }
        if not cells:
            raise PeepholeError(f"no model with the trigger {name} meets its gates and has {metric}")
        seeds = tuple(dict.fromkeys(seed for seed, _, _ in cells))
        for seed in seeds:
            for method in asked:
                if not any(key[:2] == (seed, method) for key in cells):
                    raise PeepholeError(f"{method} has no {metric} under {name} with seed {seed}")
        paths = {method: list(dict.fromkeys(layer for _, own, layer in cells if own == method)) for method in asked}
        layers = tuple(network_order(paths.values()))
        parts = [_of_model(cells, seed, asked, layers) for seed in seeds]
        sizes = tuple(value.shape[2] for value, *_ in parts)
        if not all(sizes):
            raise PeepholeError(f"no picture under {name} has {metric} of all of: {', '.join(asked)}")
        value, chance, best = (np.concatenate([part[each] for part in parts], axis=-1) for each in range(3))
        places = np.concatenate([part[3] for part in parts])
        lower = next(iter(cells.values())).direction == "lower"
        return Values(trigger, metric, asked, layers, value, chance, best, sizes, places, seeds, lower)

    def _method(self, text: str) -> str:
        return self._methods.get(text) or self._methods.setdefault(text, _resolved(text))

    @cached_property
    def _methods(self) -> dict[str, str]:
        """Methods and calibration rows by what they are called on the plan."""
        return {row.method: row.method for row in self.plan.rows}

    def _cells(self, method: str, metric: str, trigger: str) -> list[Cell]:
        key = method, trigger
        if key not in self._kept:
            rows = tuple(row for row in self.plan.rows if row.method == method and row.backdoor.trigger == trigger)
            self._kept[key] = collect(replace(self.plan, rows=rows), self.workspace, self.available)
        return [cell for cell in self._kept[key] if cell.metric == metric]


def _resolved(text: str) -> str:
    from peephole.attributions.methods import resolve

    return resolve(text)


def _of_model(
    cells: dict[tuple[int, str, str], Cell], seed: int, methods: Sequence[str], layers: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Values ``[M,L,p]``, chance, best and place ``[p]`` of one model's pictures that all methods have."""
    own = [[cells.get((seed, method, layer)) for layer in layers] for method in methods]
    there = [cell for row in own for cell in row if cell is not None]
    common = np.logical_and.reduce([cell.reported for cell in there])
    count = int(common.sum())
    value = np.array(
        [[np.full(count, np.nan) if cell is None else cell.value[common] for cell in row] for row in own]
    ).reshape(len(methods), len(layers), count)
    return value, there[0].chance[common], there[0].best[common], np.flatnonzero(common)
