"""Which metrics are scored on which trigger: the data is in `applicability.toml`, read here without torch."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from peephole.errors import PeepholeError


def parse_applicability(text: str) -> Mapping[str, tuple[str, ...]]:
    """Read a table ``[metrics]`` of trigger names, each with a non-empty list of metric names.

    Raises:
        PeepholeError: the text is no such table.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PeepholeError(f"applicability is not TOML ({error}); mend the file") from error
    table = document.pop("metrics", None)
    if document or not isinstance(table, dict):
        raise PeepholeError("applicability must hold exactly one table, [metrics]; remove the rest")
    for trigger, metrics in table.items():
        if not isinstance(metrics, list) or not metrics or not all(isinstance(name, str) for name in metrics):
            raise PeepholeError(
                f"applicability of '{trigger}' is {metrics!r}; expected a list of one or more metric names"
            )
    return MappingProxyType({trigger: tuple(metrics) for trigger, metrics in table.items()})


@cache
def applicability() -> Mapping[str, tuple[str, ...]]:
    """The metrics of every trigger that comes with the package; read-only."""
    return parse_applicability(files("peephole.leaderboard").joinpath("applicability.toml").read_text(encoding="utf-8"))


def metrics_of(trigger: str) -> tuple[str, ...]:
    """The names of the metrics that are scored on a trigger, whatever its options are.

    Args:
        trigger: a name, or a text with options: ``"badnet(pattern='checkerboard')"``.

    Raises:
        PeepholeError: no metric is known for it.
    """
    table = applicability()
    name = trigger.partition("(")[0].strip()
    if name not in table:
        raise PeepholeError(f"no metric applies to trigger '{name}'; there are metrics for: {', '.join(sorted(table))}")
    return table[name]
