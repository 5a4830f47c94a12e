"""Two methods of one board, or two boards: which differences are shown; torch-free."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from peephole.errors import PeepholeError, UnknownName
from peephole.leaderboard.alignment import Lineup, Row
from peephole.leaderboard.comparison import Comparison, How, Pair, Report, verdict_of
from peephole.leaderboard.differences import (
    SCORE,
    Differences,
    Side,
    paired_differences,
    same_pictures,
    shared_conditions,
    unpaired_differences,
)
from peephole.leaderboard.holm import holm
from peephole.leaderboard.models_remark import models_remark
from peephole.leaderboard.stored_board import StoredBoard
from peephole.leaderboard.summary_differences import summary_differences


def compare_rows(board: StoredBoard, a: Row, b: Row, metrics: Collection[str] = ()) -> Report:
    """Compare two rows of one board, on the pictures that both have scores of.

    Args:
        board: as `open_board` gives it.
        a: method, kind and layer of a row.
        b: those of the row to compare it with.
        metrics: besides the headline; all of the board if empty.

    Raises:
        PeepholeError: a row or metric that the board does not have, or no backdoor on it is certified.
    """
    return _report(board, board, [a], [b], metrics)


def compare_boards(
    a: StoredBoard, b: StoredBoard, metrics: Collection[str] = (), *, every_layer: bool = True
) -> Report:
    """Compare each (method, kind, layer) that two boards have both.

    Args:
        a: as `open_board` gives it.
        b: the board to compare it with.
        metrics: besides the headline; all that both have if empty.
        every_layer: whether to compare all layers, or only those that are a method's best on one of the boards. The
            fewer comparisons, the more each can show.

    Raises:
        PeepholeError: boards of different suites, versions, data sets, models or data, which measure different things;
            or without a row or condition in common.
    """
    _check_subjects(a, b)
    theirs = set(b.rows)
    shown = set(a.rows) if every_layer else {*a.best_rows, *b.best_rows}
    both = [row for row in a.rows if row in theirs and row in shown]
    if not both:
        raise PeepholeError(f"{a.path} and {b.path} have no row in common; expected boards that share a method")
    return _report(a, b, both, both, metrics)


def _check_subjects(a: StoredBoard, b: StoredBoard) -> None:
    for name, mine, theirs in zip(("suite", "suite version", "data set", "model"), a.subject, b.subject, strict=True):
        if mine != theirs and mine and theirs:
            raise PeepholeError(
                f"{a.path} is of {name} {mine}, {b.path} of {theirs}; compare boards of the same suite, version "
                "and data"
            )
    if a.data and b.data and a.data != b.data:
        raise PeepholeError(
            f"{a.path} and {b.path} are of different pictures (data digests {', '.join(sorted(a.data ^ b.data))}); "
            "compare boards of the same data"
        )


def _report(
    a: StoredBoard, b: StoredBoard, a_rows: Sequence[Row], b_rows: Sequence[Row], metrics: Collection[str]
) -> Report:
    known = [metric for metric in a.metrics if metric in b.metrics]
    for metric in metrics:
        if metric not in known:
            raise UnknownName("metric", metric, known)
    names = [metric for metric in known if metric in metrics or not metrics]
    how, measured, remarks = _measure(a, b, a_rows, b_rows, names)
    if not measured:
        raise PeepholeError(
            f"{a.path} and {b.path} share no certified trigger with scores"
            if a is not b
            else f"{a.path} has no certified trigger with scores, so that nothing can be compared"
        )
    return Report(
        how=how,
        pairs=_pairs(a_rows, b_rows, measured, how),
        only_a=tuple(row for row in a.rows if row not in set(b.rows)),
        only_b=tuple(row for row in b.rows if row not in set(a.rows)),
        remarks=tuple(remarks),
    )


def _measure(
    a: StoredBoard, b: StoredBoard, a_rows: Sequence[Row], b_rows: Sequence[Row], metrics: Sequence[str]
) -> tuple[How, list[Differences], list[str]]:
    """How it is compared, the differences, and what there is to say of them."""
    if a.lineup is None or b.lineup is None:
        mine, theirs = (
            board.summary.iloc[[board.rows.index(row) for row in rows]] for board, rows in ((a, a_rows), (b, b_rows))
        )
        remarks = [
            "From the tables' intervals, as if rows were independent: on the same pictures fewer differences are shown "
            f"than could be ({a.missing or b.missing}).",
            "Where there is one model of a trigger, the intervals speak of its pictures only.",
        ]
        score = [SCORE] if SCORE in mine and SCORE in theirs else []
        if not score:
            remarks.append("scores.csv alone has no headline; give leaderboard.csv to have it compared.")
        elif _score_of(a) != _score_of(b):
            score = []
            remarks.append(
                f"The headlines are of other parts and not compared: A's of {_score_of(a)}, B's of {_score_of(b)}."
            )
        return "summaries", summary_differences(mine, theirs, [*score, *metrics], a.lower), remarks
    sides = [
        Side(lineup, [lineup.rows.index(row) for row in rows])
        for lineup, rows in ((a.lineup, a_rows), (b.lineup, b_rows))
    ]
    remarks = [_of_models(a.lineup, b.lineup), *_left_out(a.lineup, b.lineup)]
    if same_pictures(a.lineup, b.lineup):
        return "paired", paired_differences(sides[0], sides[1], metrics), remarks
    remarks.insert(0, "Not paired, as models or pictures are not known to be the same: each board is resampled alone.")
    return "unpaired", unpaired_differences(sides[0], sides[1], metrics), remarks


def _score_of(board: StoredBoard) -> str:
    column: pd.Series[str] = board.summary["score_of"]
    return column.iloc[0] if len(column) else ""


def _of_models(one: Lineup, other: Lineup) -> str:
    """What intervals speak of, with as few models as there are."""
    triggers = one.pictures.keys() & other.pictures.keys()
    few = min((len(lineup.pictures[trigger].models) for lineup in (one, other) for trigger in triggers), default=1)
    return models_remark(few)


def _left_out(one: Lineup, other: Lineup) -> list[str]:
    """The conditions that only one of the boards has."""
    shared = {(mine.trigger, mine.metric) for mine, _ in shared_conditions(one, other)}
    own = [(each.trigger, each.metric) for lineup in (one, other) for each in lineup.conditions]
    names = [f"{metric} under {trigger}" for trigger, metric in dict.fromkeys(own) if (trigger, metric) not in shared]
    return [f"Left out, being on one board only: {', '.join(names)}."] if names else []


def _pairs(a_rows: Sequence[Row], b_rows: Sequence[Row], measured: Sequence[Differences], how: How) -> tuple[Pair, ...]:
    p = np.stack([each.p for each in measured])
    corrected = holm(p.ravel()).reshape(p.shape)
    return tuple(
        Pair(
            a,
            b,
            tuple(_comparison(each, index, float(corrected[place, index]), how) for place, each in enumerate(measured)),
        )
        for index, (a, b) in enumerate(zip(a_rows, b_rows, strict=True))
    )


def _comparison(differences: Differences, index: int, corrected: float, how: How) -> Comparison:
    difference, low, high = (float(getattr(differences, name)[index]) for name in ("difference", "low", "high"))
    return Comparison(
        measure=differences.measure,
        direction=differences.direction,
        a=float(differences.one[index]),
        b=float(differences.other[index]),
        difference=difference,
        low=low,
        high=high,
        p=float(differences.p[index]),
        p_corrected=corrected,
        verdict=verdict_of(difference, low, high, corrected, differences.direction),
        n_a=int(differences.n_one[index]),
        n_b=int(differences.n_other[index]),
        reason=_reason(difference, low, how),
        unscaled=differences.unscaled,
    )


def _reason(difference: float, low: float, how: How) -> str:
    if np.isnan(difference):
        return "a row lacks scores of some model" + (", or they share no picture of it" if how == "paired" else "")
    return "a single picture of some trigger tells no spread" if np.isnan(low) else ""
