"""What things cost, as it was measured once: `costs.toml`, read here."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from peephole.attributions.spec import parse


@cache
def costs() -> dict[str, Any]:
    """The whole table."""
    return tomllib.loads((files("peephole") / "costs.toml").read_text(encoding="utf-8"))


@cache
def passes_of(text: str) -> float:
    """How many passes a method's text stands for: its own and those of the methods it is made of, at least 1."""
    table = costs()["methods"]
    total = 0.0
    for spec in parse(text).specs():
        known = table.get(spec.full_name, {"passes": 0.0})
        asked = dict(spec.options).get(known.get("per"), known.get("of", 1))
        total += known["passes"] * (asked / known.get("of", 1) if isinstance(asked, int | float) else 1)
    return max(1.0, total)
