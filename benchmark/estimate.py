"""What a plan will cost, before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from peephole.costs import costs, passes_of
from peephole.devices import device_names
from peephole.machine import Machine, device_kind, thread_count
from peephole.pace import TABLE_THREADS, Pace, measure
from peephole.store.store import Store
from peephole.submissions.submission import METHOD
from peephole.units.base import Unit

UNKNOWN_MODEL = "resnet18"
LONG = 60
"""Seconds of work from which several processes pay for their start."""
MOST_WORKERS = 8
"""Each takes about a gigabyte."""


DEVICE_KINDS = ("cpu", "cuda")
"""What the table of costs knows; other devices are taken for ``cuda``."""


@dataclass(frozen=True)
class Estimate:
    """One unit of a plan.

    Attributes:
        unit: which.
        cached: whether it is in the store; then it costs nothing any more.
        seconds: that it takes, by kind of device.
        bytes: that its shard has, or is expected to have.
    """

    unit: Unit
    cached: bool
    seconds: Mapping[str, float]
    bytes: int


def estimate(units: Sequence[Unit], store: Store, submitted: float = 1.0) -> list[Estimate]:
    """What each unit will cost, in their order.

    Times are those of the table of costs, corrected by what units of that kind took that are in the store already
    (`peephole.pace`): where a little has been done, the rest is known better.

    Args:
        units: what to do.
        store: where results would come from.
        submitted: passes that a submission makes for a picture.
    """
    sizes = {kind: store.sizes(kind) for kind in {unit.kind for unit in units}}
    pace = measure([unit for unit in units if unit.digest in sizes[unit.kind]], store, plain_seconds)
    return [_estimate(unit, sizes[unit.kind].get(unit.digest), pace, submitted) for unit in units]


def seconds_by_unit(units: Sequence[Unit], store: Store, machine: Machine) -> dict[str, float]:
    """What each unit still takes on the machine's kind of device, by digest."""
    kind = _known(device_kind(machine.device))
    return {one.unit.digest: one.seconds[kind] for one in estimate(units, store)}


def total_seconds(estimates: list[Estimate], device: str, workers: int = 1) -> float:
    """Seconds until the units still to do are done, and to start up.

    Args:
        estimates: of the units.
        device: the kind; others than `DEVICE_KINDS` are taken for ``cuda``.
        workers: that share the work, and the threads of the processor or each on a GPU of its own.
    """
    kind = _known(device)
    at_once = min(thread_count(), TABLE_THREADS * workers) / TABLE_THREADS if kind == "cpu" else workers
    return float(costs()["fixed_seconds"]) + sum(one.seconds[kind] for one in estimates) / at_once


def whole_seconds(units: Sequence[Unit], device: str) -> float:
    """Seconds that units would take from the beginning, whatever of them is in a store, by the table of costs."""
    return float(costs()["fixed_seconds"]) + sum(plain_seconds(unit, device) for unit in units)


def worker_count(units: Sequence[Unit], machine: Machine) -> int:
    """How many processes pay: one a GPU, or one a core if there is none and more than a minute's work.

    Of other engines than the local one nothing is known here, and devices that share trainings share them: one.
    """
    if not machine.is_local or machine.devices > 1:
        return 1
    if device_kind(machine.device) != "cpu":
        return len(device_names(machine.device))
    # By all units, not by those that are left: results depend on the number of threads, in the last bits at first.
    return min(thread_count(), MOST_WORKERS) if whole_seconds(units, "cpu") > LONG else 1


def plain_seconds(unit: Unit, device: str = "cpu") -> float:
    """What the table of costs says of a unit, alone."""
    cost = unit.cost()
    table = costs().get(cost.model, costs()[UNKNOWN_MODEL])
    passes = cost.passes * (passes_of(cost.method) if cost.method else 1) + cost.layer_passes * table["layers"]
    return float(passes * table["pass_ms"][_known(device)] / 1000 * costs()["kinds"].get(unit.kind, 1.0))


def _known(device: str) -> str:
    return "cpu" if device == "cpu" else "cuda"


def _estimate(unit: Unit, there: int | None, pace: Pace, submitted: float) -> Estimate:
    if there is not None:
        return Estimate(unit, cached=True, seconds=dict.fromkeys(DEVICE_KINDS, 0.0), bytes=there)
    cost = unit.cost()
    table = costs().get(cost.model, costs()[UNKNOWN_MODEL])
    size = sum(getattr(cost, what) * table[f"{name}_bytes"] for what, name in _STORED.items())
    times = submitted if unit.spec.get("method") == METHOD else 1.0
    seconds = {
        device: times * pace.get((unit.kind, device), 1.0) * plain_seconds(unit, device) for device in DEVICE_KINDS
    }
    return Estimate(unit, cached=False, seconds=seconds, bytes=round(size))


_STORED = {"weights": "weights", "maps": "map", "pictures": "picture"}
