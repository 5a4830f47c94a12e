"""Which metrics are scored on which trigger: the data is in `applicability.toml`, read here without torch."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal, get_args

from peephole.errors import PeepholeError

Need = Literal["maps", "network", "twin", "randomised"]
"""What a metric is scored with: maps and their truth alone, the poisoned network too, or maps of other networks."""


@dataclass(frozen=True)
class Applicability:
    """Metrics by trigger, and what they need.

    Attributes:
        metrics: names of metrics by the trigger's name.
        needs: by the metric's name, where it is not just ``"maps"``.
        parts: names of other metrics that a metric is made of, by its name.
    """

    metrics: Mapping[str, tuple[str, ...]]
    needs: Mapping[str, Need]
    parts: Mapping[str, tuple[str, ...]]


def parse_applicability(text: str) -> Applicability:
    """Read a table ``[metrics]`` of trigger names, each with a non-empty list of metric names, and perhaps the tables
    ``[needs]`` and ``[parts]`` of such lists.

    Raises:
        PeepholeError: the text is no such table.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PeepholeError(f"applicability is not TOML ({error}); mend the file") from error
    metrics, needs, parts = document.pop("metrics", None), document.pop("needs", {}), document.pop("parts", {})
    if document or not all(isinstance(table, dict) for table in (metrics, needs, parts)):
        raise PeepholeError("applicability must hold the tables [metrics], [needs] and [parts] only; remove the rest")
    unknown = sorted(set(needs) - set(get_args(Need)))
    if unknown:
        raise PeepholeError(f"applicability knows no need '{unknown[0]}'; expected {', '.join(get_args(Need))}")
    return Applicability(
        MappingProxyType({trigger: _names(trigger, names) for trigger, names in metrics.items()}),
        MappingProxyType({name: need for need, names in needs.items() for name in _names(need, names)}),
        MappingProxyType({metric: _names(metric, names) for metric, names in parts.items()}),
    )


def _names(of: str, names: Any) -> tuple[str, ...]:
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise PeepholeError(f"applicability of '{of}' is {names!r}; expected a list of one or more metric names")
    return tuple(names)


@cache
def applicability() -> Applicability:
    """The metrics of every trigger that comes with the package; read-only."""
    return parse_applicability(files("peephole.leaderboard").joinpath("applicability.toml").read_text(encoding="utf-8"))


def metrics_of(trigger: str) -> tuple[str, ...]:
    """The names of the metrics that are scored on a trigger, whatever its options are.

    Args:
        trigger: a name, or a text with options: ``"badnet(pattern='checkerboard')"``.

    Raises:
        PeepholeError: no metric is known for it.
    """
    table = applicability().metrics
    name = metric_name(trigger)
    if name not in table:
        raise PeepholeError(f"no metric applies to trigger '{name}'; there are metrics for: {', '.join(sorted(table))}")
    return table[name]


def need_of(metric: str) -> Need:
    """What a metric, given by its name or its text, is scored with."""
    return applicability().needs.get(metric_name(metric), "maps")


def parts_of(metric: str) -> tuple[str, ...]:
    """The names of the metrics that a metric, given by its name or its text, is made of; none of most."""
    return applicability().parts.get(metric_name(metric), ())


def metric_name(text: str) -> str:
    """The name in a text, without its options."""
    return text.partition("(")[0].strip()
