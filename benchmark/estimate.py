"""What a plan will cost, before anything is computed."""

from __future__ import annotations

from dataclasses import dataclass

from peephole.costs import costs, passes_of
from peephole.devices import device_names
from peephole.machine import device_kind, thread_count
from peephole.plan import Plan
from peephole.store.store import Store
from peephole.submissions.submission import METHOD
from peephole.units.base import Cost, Unit

UNKNOWN_MODEL = "resnet18"
LONG = 60
"""Seconds of work from which several processes pay for their start."""
MOST_WORKERS = 8
"""Each takes about a gigabyte."""


@dataclass(frozen=True)
class Estimate:
    """One unit of a plan: whether it is in the store, and what it costs or has cost (seconds, bytes)."""

    unit: Unit
    cached: bool
    seconds: float
    bytes: int


def estimate(plan: Plan, store: Store, device: str, submitted: float = 1.0) -> list[Estimate]:
    """Every unit of ``plan`` in order. Cached ones have their true bytes and cost no time any more.

    Args:
        plan: what to do.
        store: where results would come from.
        device: the kind, ``"cpu"`` or ``"cuda"``; others are taken for ``"cuda"``.
        submitted: passes that a submission makes for a picture.
    """
    return [_estimate(unit, store, "cpu" if device == "cpu" else "cuda", submitted) for unit in plan.units]


def total_seconds(estimates: list[Estimate]) -> float:
    """Seconds that the units still to do take together, and starting up."""
    return float(costs()["fixed_seconds"]) + sum(one.seconds for one in estimates)


def whole_seconds(plan: Plan, device: str) -> float:
    """Seconds that a plan would take from the beginning, whatever of it is in a store."""
    return float(costs()["fixed_seconds"]) + sum(_seconds(unit.cost(), device) for unit in plan.units)


def worker_count(plan: Plan, device: str) -> int:
    """How many processes pay: one a GPU, or one a core if there is none and more than a minute's work."""
    if device_kind(device) != "cpu":
        return len(device_names(device))
    # By the whole plan, not by what is left of it: results depend on the number of threads, in the last bits at first.
    return min(thread_count(), MOST_WORKERS) if whole_seconds(plan, "cpu") > LONG else 1


def _seconds(cost: Cost, device: str) -> float:
    table = costs().get(cost.model, costs()[UNKNOWN_MODEL])
    passes = cost.passes * (passes_of(cost.method) if cost.method else 1) + cost.layer_passes * table["layers"]
    return float(passes * table["pass_ms"][device] / 1000)


def _estimate(unit: Unit, store: Store, device: str, submitted: float) -> Estimate:
    receipt = store.receipt(unit.kind, unit.digest)
    if receipt is not None:
        return Estimate(unit, cached=True, seconds=0.0, bytes=receipt.bytes)
    cost = unit.cost()
    table = costs().get(cost.model, costs()[UNKNOWN_MODEL])
    size = sum(getattr(cost, what) * table[f"{name}_bytes"] for what, name in _STORED.items())
    times = submitted if unit.spec.get("method") == METHOD else 1.0
    return Estimate(unit, cached=False, seconds=times * _seconds(cost, device), bytes=round(size))


_STORED = {"weights": "weights", "maps": "map", "pictures": "picture"}
