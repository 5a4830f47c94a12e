"""Rows that were published apart, on one board; torch-free."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from peephole.errors import PeepholeError
from peephole.leaderboard.cells import TOLERANCE, Cell
from peephole.leaderboard.row_file import PublishedRow, read_row
from peephole.leaderboard.row_folder import row_files
from peephole.leaderboard.row_summary import check_summaries

SUBJECT = ("suite", "suite version", "data set", "model")
DIGESTS = ("data_digest", "model_digest", "weights_digest")
"""Of one poisoned model; rows explain the same one if these agree."""
_ADVICE = "rows of one board explain the same networks by the same code, so submit both methods to one folder's models"


def read_rows(sources: Iterable[Path]) -> list[PublishedRow]:
    """Read rows that are to stand on one board. Of rows with the same content, one is taken.

    Args:
        sources: files of rows, and folders with rows in them, see `row_files`.

    Returns:
        The rows of one source after those of another, each source's in the order of the board that they come from.

    Raises:
        PeepholeError: a source has no rows, or a damaged one, or one whose numbers do not follow from its scores; or
            two rows have the same name and different content, or the same method under two names, or are of different
            suites, data, networks or metrics; or a row lacks a model that another has. The message names the files.
    """
    rows: dict[tuple[str, str], PublishedRow] = {}
    for source in sources:
        for row in sorted(map(read_row, row_files(source)), key=lambda row: row.place):
            known = rows.setdefault((row.method, row.kind), row)
            if known is not row and known.content != row.content:
                raise PeepholeError(
                    f"{known.name} and {row.name} are both called {row.method} and differ {_how(known, row)}; name one "
                    "of them otherwise, or leave it out"
                )
    found = list(rows.values())
    _check_methods(found)
    for row in found[1:]:
        _check_alike(found[0], row)
    check_summaries(found)
    return found


def cells_of(rows: Sequence[PublishedRow]) -> list[Cell]:
    """The cells of a board of these rows, in the order of a run: model by model, row by row.

    Args:
        rows: as `read_rows` gives them.
    """
    models = dict.fromkeys(level.poisoned for row in rows for level in row.levels)
    own: list[dict[tuple[str, int], list[Cell]]] = [{poisoned: [] for poisoned in models} for _ in rows]
    for place, row in enumerate(rows):
        for cell in row.cells:
            own[place][cell.poisoned].append(cell)
    return [cell for poisoned in models for cells in own for cell in cells[poisoned]]


def _how(one: PublishedRow, other: PublishedRow) -> str:
    """In what two rows of one name differ."""
    methods = [row.cells[0].provenance["method_digest"] for row in (one, other)]
    if methods[0] != methods[1]:
        return f"in their code ({methods[0]} and {methods[1]})"
    try:
        _check_alike(one, other)
    except PeepholeError:
        return "in what they explain"
    return "in their scores or where these come from"


def _check_methods(rows: Sequence[PublishedRow]) -> None:
    """Refuse one method under two names."""
    known: dict[str, PublishedRow] = {}
    for row in rows:
        for digest in {cell.provenance["method_digest"] for cell in row.cells}:
            first = known.setdefault(digest, row)
            if first is not row:
                raise PeepholeError(
                    f"{first.name} and {row.name} are the same method ({digest}), called {first.method} and "
                    f"{row.method}; leave one of them out"
                )


def _check_alike(one: PublishedRow, other: PublishedRow) -> None:
    """Refuse rows that do not explain the same networks, or are not scored by the same metrics on the same pictures."""
    for name, first, second in zip(SUBJECT, one.cells[0].subject, other.cells[0].subject, strict=True):
        if first != second:
            raise PeepholeError(f"{one.name} and {other.name} differ in {name} ({first} and {second}); {_ADVICE}")
    _check_models(one, other)
    _check_levels(one, other)
    for row, peer in ((one, other), (other, one)):
        own = {cell.poisoned for cell in row.cells}
        lacking = [cell.poisoned for cell in peer.cells if cell.poisoned not in own]
        if lacking:
            trigger, seed = lacking[0]
            raise PeepholeError(
                f"{row.name} lacks the model of {trigger}, seed {seed}, that {peer.name} has; have it explained, too"
            )


def _check_models(one: PublishedRow, other: PublishedRow) -> None:
    digests = {cell.poisoned: cell.provenance for cell in one.cells}
    for cell in other.cells:
        known = digests.get(cell.poisoned, cell.provenance)
        for name in DIGESTS:
            if known[name] != cell.provenance[name]:
                raise PeepholeError(
                    f"{one.name} and {other.name} differ in {name} of {cell.trigger}, seed {cell.seed} ({known[name]} "
                    f"and {cell.provenance[name]}); {_ADVICE}"
                )


def _check_levels(one: PublishedRow, other: PublishedRow) -> None:
    levels = {(level.poisoned, level.metric): level for level in one.levels}
    metrics = {level.metric: level for level in one.levels}
    for level in other.levels:
        where = f"{one.name} and {other.name} differ in"
        same = metrics.get(level.metric, level)
        if (same.direction, same.core) != (level.direction, level.core):
            raise PeepholeError(f"{where} the direction or core of {level.metric}; {_ADVICE}")
        known = levels.get((level.poisoned, level.metric), level)
        on = f"of {level.trigger}, seed {level.seed}"
        if known.certified != level.certified or not np.array_equal(known.selection, level.selection):
            raise PeepholeError(f"{where} pictures or certificate {on}; {_ADVICE}")
        for name in ("chance", "best"):
            gaps = np.abs(getattr(known, name) - getattr(level, name))
            if bool((gaps > TOLERANCE).any()):
                raise PeepholeError(f"{where} the {name} level of {level.metric} {on}; {_ADVICE}")
