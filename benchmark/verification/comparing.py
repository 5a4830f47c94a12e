"""Results that were made anew beside the stored ones; torch-free."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from peephole.leaderboard import alignment
from peephole.plan import Row
from peephole.store.opened import OpenShard
from peephole.units.base import Unit
from peephole.verification.finding import Finding
from peephole.verification.tolerance import SCALE, Tolerance, tolerance
from peephole.workspace import Workspace

PIECE = 64
"""Pictures whose maps are compared at once."""


@dataclass(frozen=True)
class Recomputed:
    """What one row of the board shows where it was made anew.

    Attributes:
        row: method, kind and layer.
        model: trigger and seed.
        difference: between the means of the stored scores and the new ones, in units of the distance between chance
            and the truth, of the metric that is nearest to its tolerance.
        tolerance: what it may be.
    """

    row: alignment.Row
    model: tuple[str, int]
    difference: float
    tolerance: float


def compare_levels(unit: Unit, failed: Mapping[str, str], stored: Workspace, anew: Workspace) -> list[Finding]:
    """Whether levels are the same. They concern every row of the board."""
    where = f"made anew, '{unit.label}'"
    if unit.digest in failed:
        return [Finding(where, f"it fails now: {failed[unit.digest]}")]
    before, after = stored.open(unit), anew.open(unit)
    allowed = tolerance(before.facts, after.facts)
    chance, best = before.read("chance"), before.read("best")
    findings = []
    for place, metric in enumerate(before.facts["measured"]):
        every = np.ones(chance.shape[1], dtype=np.bool_)
        scale = _scale(every, chance[place], best[place])
        for name in ("chance", "best"):
            old, new = (shard.read(name)[place] for shard in (before, after))
            wrong, _ = _difference(f"the {name} level of {metric}", old, new, every, scale, allowed)
            findings += [Finding(where, wrong)] if wrong else []
    return findings


def compare_scores(row: Row, stored: Workspace, anew: Workspace) -> Iterator[tuple[Recomputed, list[Finding]]]:
    """What one row of the plan shows, layer by layer."""
    before, after = stored.open(row.scores), anew.open(row.scores)
    allowed = tolerance(before.facts, after.facts)
    names = ("value", "valid", "chance", "best", "scored")
    old, new = ({name: shard.read(name) for name in names} for shard in (before, after))
    same_metrics = before.facts["metrics"] == after.facts["metrics"]
    for layer in after.facts["layers"]:
        if layer not in before.facts["layers"]:
            text = f"there are no scores at {layer}, where the method has maps"
            yield Recomputed(row_of(row, layer), _key(row), 0.0, allowed.mean), [Finding(where_of(row), text)]
    for place, layer in enumerate(before.facts["layers"]):
        rows = frozenset([row_of(row, layer)])
        if layer not in after.facts["layers"]:
            continue  # its maps are found missing
        other = after.facts["layers"].index(layer)
        wrong = [] if same_metrics else ["the direction or the part of a metric is another"]
        largest, limit = 0.0, allowed.mean
        for number, metric in enumerate(entry["metric"] for entry in before.facts["metrics"]):
            scored = old["scored"][number]
            if not np.array_equal(scored, new["scored"][number]):
                wrong.append(f"{metric} at {layer} is of other pictures")
                continue
            scale = _scale(scored, old["chance"][number], old["best"][number])
            what = f"{metric} at {layer}"
            text, mean = _difference(
                what, old["value"][number, place], new["value"][number, other], scored, scale, allowed
            )
            texts = [text]
            for name in ("chance", "best"):
                what = f"the {name} level of {metric}"
                texts.append(_difference(what, old[name][number], new[name][number], scored, scale, allowed)[0])
            turned = int((old["valid"][number, place] != new["valid"][number, other]).sum())
            if turned > allowed.few(int(scored.sum())):
                texts.append(f"{turned} maps at {layer} that had nothing to score by {metric} have, or the reverse")
            wrong += [text for text in texts if text]
            own = allowed.mean_of(int(scored.sum()))
            if mean * limit >= largest * own:  # the nearest to its limit
                largest, limit = mean, own
        yield (
            Recomputed(row_of(row, layer), _key(row), largest, limit),
            [Finding(where_of(row), text, rows) for text in wrong],
        )


def _scale(scored: NDArray[np.bool_], chance: NDArray[np.float64], best: NDArray[np.float64]) -> float:
    """The mean distance between chance and best."""
    return max(float(np.abs(np.mean((best - chance)[scored]))), SCALE) if scored.any() else SCALE


def _difference(
    what: str,
    one: NDArray[np.float64],
    two: NDArray[np.float64],
    scored: NDArray[np.bool_],
    scale: float,
    allowed: Tolerance,
) -> tuple[str, float]:
    """In what two sets of scores ``[N]`` differ, and how far apart their means are, in units of ``scale``."""
    if not scored.any():
        return "", 0.0
    apart = np.nan_to_num((two - one)[scored], nan=np.inf) / scale
    off, mean = int((np.abs(apart) > allowed.score).sum()), float(np.abs(np.mean(apart)))
    limit = allowed.mean_of(len(apart))
    if off <= allowed.few(len(apart)) and mean <= limit:
        return "", mean
    text = (
        f"{what} is {np.mean(two[scored]):.4g}, the store says {np.mean(one[scored]):.4g} ({mean:.2g} of the scale "
        f"apart, {limit:.2g} allowed; {off} of {len(apart)} pictures differ)"
    )
    return text, mean


def compare_maps(row: Row, stored: Workspace, anew: Workspace) -> list[Finding]:
    """Whether the maps themselves are the same, which other scores may be made of."""
    before, after = stored.open(row.maps), anew.open(row.maps)
    layers = dict.fromkeys([*before.group("maps"), *after.group("maps")])
    allowed = tolerance(before.facts, after.facts)
    return [
        Finding(where_of(row), what, frozenset([row_of(row, layer)]))
        for layer in layers
        if (what := _map_difference(layer, before, after, allowed))
    ]


def _map_difference(layer: str, before: OpenShard, after: OpenShard, allowed: Tolerance) -> str:
    name = f"maps/{layer}"
    if name not in before.names or name not in after.names or before.shape(name) != after.shape(name):
        return f"the maps at {layer} have another shape"
    off, largest = 0, 0.0
    count = before.shape(name)[0]
    for places in np.array_split(np.arange(count), -(-count // PIECE)):
        one, two = (_flat(shard.take(name, places)) for shard in (before, after))
        size = np.maximum(np.abs(one).max(axis=1), np.finfo(np.float32).tiny)
        apart = np.nan_to_num(np.abs(two - one).max(axis=1) / size, nan=np.inf)
        off += int((apart > allowed.map).sum())
        largest = max(largest, float(apart.max()))
    if off <= allowed.maps * count:
        return ""
    return (
        f"{off} of {count} maps at {layer} differ, by up to {largest:.2g} of their largest value ({allowed.map:g} "
        "allowed)"
    )


def _flat(maps: NDArray[Any]) -> NDArray[np.float64]:
    return maps.reshape(len(maps), -1).astype(np.float64)


def row_of(row: Row, layer: str) -> alignment.Row:
    """The row of the board that a layer of a row of the plan is."""
    return row.method, "calibration" if row.is_calibration else "method", layer


def _key(row: Row) -> tuple[str, int]:
    return row.backdoor.trigger, row.backdoor.seed


def where_of(row: Row) -> str:
    """On which model a row of the plan was made anew."""
    return f"made anew on {row.backdoor.trigger}, seed {row.backdoor.seed}"
