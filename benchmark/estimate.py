"""What a plan will cost, before anything is computed."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from peephole.plan import Plan
from peephole.store.store import Store
from peephole.units.base import Unit

UNKNOWN_MODEL = "resnet18"


@dataclass(frozen=True)
class Estimate:
    """One unit of a plan: whether it is in the store, and what it costs or has cost (seconds, bytes)."""

    unit: Unit
    cached: bool
    seconds: float
    bytes: int


def estimate(plan: Plan, store: Store, device: str) -> list[Estimate]:
    """Every unit of ``plan`` in order. Cached ones have their true bytes and cost no time any more.

    Args:
        plan: what to do.
        store: where results would come from.
        device: the kind, ``"cpu"`` or ``"cuda"``; others are taken for ``"cuda"``.
    """
    return [_estimate(unit, store, "cpu" if device == "cpu" else "cuda") for unit in plan.units]


def total_seconds(estimates: list[Estimate]) -> float:
    """Seconds that the units still to do take together, and starting up."""
    return float(_costs()["fixed_seconds"]) + sum(one.seconds for one in estimates)


def _estimate(unit: Unit, store: Store, device: str) -> Estimate:
    receipt = store.receipt(unit.kind, unit.digest)
    if receipt is not None:
        return Estimate(unit, cached=True, seconds=0.0, bytes=receipt.bytes)
    cost = unit.cost()
    table = _costs().get(cost.model, _costs()[UNKNOWN_MODEL])
    size = sum(getattr(cost, what) * table[f"{name}_bytes"] for what, name in _STORED.items())
    return Estimate(unit, cached=False, seconds=cost.passes * table["pass_ms"][device] / 1000, bytes=round(size))


_STORED = {"weights": "weights", "maps": "map", "pictures": "picture"}


@cache
def _costs() -> dict[str, Any]:
    return tomllib.loads((files("peephole") / "costs.toml").read_text(encoding="utf-8"))
