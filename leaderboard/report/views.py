"""The same board seen under all triggers, and under each alone; torch-free."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pandas as pd

from peephole.leaderboard.alignment import Lineup
from peephole.leaderboard.parts import counted
from peephole.leaderboard.report.leader import Leader, leader_of
from peephole.leaderboard.standings import count_columns, standings
from peephole.leaderboard.stored_board import StoredBoard

KEY = ["method", "kind", "layer"]


@dataclass(frozen=True, eq=False)
class View:
    """A board under some triggers.

    Attributes:
        trigger: the trigger, or empty for all together.
        table: the columns of `standings` and `count_columns`, a row a method and layer; best rank first.
        made_of: the core metrics that the score is made of here.
        leader: who is first among the methods, and by how much; None if nobody is ranked, or it cannot be known
            without the scores picture by picture.
    """

    trigger: str
    table: pd.DataFrame
    made_of: tuple[str, ...]
    leader: Leader | None


def views_of(board: StoredBoard) -> tuple[View, ...]:
    """The view of all triggers, which is the table itself, and one a trigger where the board knows pictures."""
    own = counted(board.lineup.conditions) if board.lineup else {}
    every = tuple(dict.fromkeys(condition.metric for conditions in own.values() for condition in conditions))
    leader = leader_of(board.lineup, board.summary) if board.lineup else None
    return (View("", board.summary, every, leader), *(_by_trigger(board.lineup) if board.lineup else ()))


def _by_trigger(lineup: Lineup) -> Iterator[View]:
    metrics = list(dict.fromkeys(condition.metric for condition in lineup.conditions))
    for trigger in lineup.pictures:
        alone = under(lineup, trigger)
        present = {condition.metric for condition in alone.conditions}
        own = [metric for metric in metrics if metric in present]
        table = pd.DataFrame({**standings(alone, own), **count_columns(alone)})
        table = table.sort_values("rank", kind="stable", na_position="last", ignore_index=True)
        made_of = tuple(condition.metric for condition in counted(alone.conditions).get(trigger, ()))
        yield View(trigger, table, made_of, leader_of(alone, table))


def under(lineup: Lineup, trigger: str) -> Lineup:
    """What is known under one trigger alone."""
    conditions = tuple(condition for condition in lineup.conditions if condition.trigger == trigger)
    return replace(lineup, pictures={trigger: lineup.pictures[trigger]}, conditions=conditions)
