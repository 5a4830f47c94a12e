"""What a page says of a metric."""

from __future__ import annotations

import inspect
from dataclasses import dataclass

from peephole.errors import PeepholeError
from peephole.leaderboard.stored_board import StoredBoard


@dataclass(frozen=True)
class MetricFacts:
    """Of one metric on a board.

    Attributes:
        name: its text, as columns are named.
        title, formula, source: what it says of itself; the name, and nothing, where it is not installed here.
        lower: whether less is better.
        core: whether it counts for the score.
        definition: its docstring in paragraphs: formula, range, chance, direction, invalid maps, source.
    """

    name: str
    title: str
    formula: str
    source: str
    lower: bool
    core: bool
    definition: tuple[str, ...] = ()


def metric_facts(name: str, board: StoredBoard) -> MetricFacts:
    """The facts of a metric of ``board``; direction and core are what the board's table says."""
    from peephole.leaderboard.tables import named_in
    from peephole.leaderboard.texts import NAMING

    core = "core_metrics" in board.summary and name in named_in(board.summary, "core_metrics")
    try:
        metric = NAMING.build(name)
    except PeepholeError:
        return MetricFacts(name, name, "", "", name in board.lower, core)
    text = inspect.getdoc(type(metric)) or ""
    paragraphs = tuple(" ".join(part.split()) for part in text.split("\n\n"))
    return MetricFacts(name, metric.title, metric.formula, metric.source, name in board.lower, core, paragraphs)
