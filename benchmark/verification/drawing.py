"""Which part of a run is made anew; torch-free."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np

from peephole.plan import Plan, Row
from peephole.units.base import Unit, in_order


@dataclass(frozen=True)
class Drawn:
    """What is to be made anew.

    Attributes:
        rows: of the plan: their maps and scores.
        levels: between which metrics that ask the network lie, on some of the models of these rows.
    """

    rows: tuple[Row, ...]
    levels: tuple[Unit, ...]


def draw(plan: Plan, sound: Collection[str], share: float, seed: int) -> Drawn:
    """A random share of each method's models, and of the levels, one at least of each unless the share is 0.

    Args:
        plan: of the run.
        sound: digests of the units whose shards are sound; rows that lack one cannot be compared.
        share: in [0,1].
        seed: of the draw.
    """
    generator = np.random.default_rng(seed)
    whole = [row for row in plan.rows if all(unit.digest in sound for unit in in_order([row.scores]))]
    by_method: dict[tuple[str, bool], list[str]] = {}
    for row in whole:
        by_method.setdefault((row.method, row.is_calibration), []).append(row.maps.digest)
    drawn = {digest for maps in by_method.values() for digest in _some(maps, share, generator)}
    rows = tuple(row for row in whole if row.maps.digest in drawn)
    levels = {unit.digest: unit for row in rows if (unit := row.scores.inputs.get("levels")) is not None}
    return Drawn(rows, tuple(levels[digest] for digest in _some(levels, share, generator)))


def _some(digests: Iterable[str], share: float, generator: np.random.Generator) -> list[str]:
    every = list(dict.fromkeys(digests))
    count = min(len(every), max(1, round(share * len(every)))) if share > 0 else 0
    return [str(digest) for digest in generator.choice(every, size=count, replace=False)] if count else []
