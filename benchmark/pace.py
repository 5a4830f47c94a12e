"""How fast things really went: what units in a store took, beside what the table of costs says of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from peephole.store.store import Store
from peephole.units.base import Unit

ENOUGH = 5
"""Units of a kind from which their times count for more than the table."""
TABLE_THREADS = 2
"""That what the table says of a processor is about."""
LOOKED_AT = 40
"""Receipts of a kind that are read at most."""

Pace = Mapping[tuple[str, str], float]
"""By kind of unit and kind of device (``cpu`` or ``cuda``): seconds taken for one second of the table."""


def measure(cached: Sequence[Unit], store: Store, expected: Callable[[Unit, str], float]) -> Pace:
    """The pace of units that are in the store, where there are enough of them.

    Args:
        cached: units of a plan, of any kinds.
        store: their receipts say how long each took and on what.
        expected: what the table says of a unit on a kind of device, in seconds.
    """
    by_kind: dict[str, list[Unit]] = defaultdict(list)
    for unit in cached:
        by_kind[unit.kind].append(unit)
    taken: dict[tuple[str, str], float] = defaultdict(float)
    foreseen: dict[tuple[str, str], float] = defaultdict(float)
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for kind, units in by_kind.items():
        for unit in units[:: -(-len(units) // LOOKED_AT)]:
            receipt = store.receipt(kind, unit.digest)
            if receipt is not None and {"device", "threads"} <= receipt.facts.keys():
                key = kind, "cpu" if receipt.facts["device"] == "cpu" else "cuda"
                times = receipt.facts["threads"] / TABLE_THREADS if key[1] == "cpu" else 1.0
                taken[key] += times * receipt.seconds
                foreseen[key] += expected(unit, key[1])
                counts[key] += 1
    return {key: taken[key] / foreseen[key] for key, count in counts.items() if count >= ENOUGH and foreseen[key]}
