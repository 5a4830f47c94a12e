"""Published rows and scores picture by picture beside what they should be; torch-free."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from peephole.errors import PeepholeError
from peephole.leaderboard.alignment import Lineup, Row
from peephole.leaderboard.cells import Cell
from peephole.leaderboard.picture_file import PICTURES, read_pictures
from peephole.leaderboard.row_file import ARRAYS, PublishedRow, read_row
from peephole.leaderboard.row_folder import ROWS, row_file_name
from peephole.leaderboard.row_summary import difference
from peephole.leaderboard.tables import LEADERBOARD
from peephole.verification.finding import Finding


def compare_rows(folder: Path, expected: Sequence[PublishedRow], unknown: Collection[str]) -> list[Finding]:
    """What the files of rows say otherwise than they should.

    Args:
        folder: of the results.
        expected: all rows that the store gives whole.
        unknown: names of files that nothing is known about.
    """
    findings: list[Finding] = []
    names = {row_file_name(row.method, row.kind) for row in expected}
    findings += [
        Finding(f"{ROWS}/{path.name}", "the store gives no such row")
        for path in sorted((folder / ROWS).glob("*.json"))
        if path.name not in names and path.name not in unknown
    ]
    for row in expected:
        where, path = (
            f"{ROWS}/{row_file_name(row.method, row.kind)}",
            folder / ROWS / row_file_name(row.method, row.kind),
        )
        rows = frozenset(cell.row for cell in row.cells)
        if not path.is_file():
            findings.append(Finding(where, "is missing", rows))
            continue
        try:
            found = read_row(path)
        except PeepholeError as error:
            findings.append(Finding(where, str(error), rows))
            continue
        findings += [Finding(where, what, own or rows) for what, own in _differences(found, row)]
    return findings


def compare_pictures(folder: Path, expected: Lineup) -> list[Finding]:
    """What the scores picture by picture say otherwise than they should. Tables must have been found right before."""
    try:
        found = read_pictures(folder / PICTURES, folder / LEADERBOARD)
    except PeepholeError as error:
        return [Finding(PICTURES, str(error))]
    if (found.subject, found.rows) != (expected.subject, expected.rows):
        return [Finding(PICTURES, "is of another board")]
    known = {(each.trigger, each.metric): each for each in expected.conditions}
    findings = []
    for condition in found.conditions:
        should = known.pop((condition.trigger, condition.metric), None)
        what = f"{condition.trigger}, {condition.metric}"
        if should is None:
            findings.append(Finding(PICTURES, f"{what}: the store gives no such scores"))
            continue
        for name in ("value", "valid", "chance", "best"):
            one, other = getattr(condition, name), getattr(should, name)
            if one.shape != other.shape:
                findings.append(Finding(PICTURES, f"{what}: {name} is {list(one.shape)}, not {list(other.shape)}"))
            elif not np.array_equal(one, other, equal_nan=name != "valid"):
                rows = _rows_that_differ(one, other, expected.rows)
                findings.append(Finding(PICTURES, f"{what}: {name} is not what the store says", rows))
    findings += [Finding(PICTURES, f"{', '.join(key)} is missing") for key in known]
    return findings


def _rows_that_differ(one: NDArray[Any], other: NDArray[Any], rows: Sequence[Row]) -> frozenset[Row]:
    if one.ndim < 2:
        return frozenset()
    apart = [not np.array_equal(*pair, equal_nan=pair[0].dtype.kind == "f") for pair in zip(one, other, strict=True)]
    return frozenset(row for row, differs in zip(rows, apart, strict=True) if differs)


def _differences(found: PublishedRow, row: PublishedRow) -> list[tuple[str, frozenset[Row]]]:
    differences: list[tuple[str, frozenset[Row]]] = []
    if found.content != row.content:
        differences += _cell_differences(found.cells, row.cells)
    summary = difference(found.summary, row.summary).replace("the scores give", "the store says")
    if summary:
        differences.append((summary, frozenset()))
    return differences


def _cell_differences(found: Sequence[Cell], expected: Sequence[Cell]) -> list[tuple[str, frozenset[Row]]]:
    cells = {(*cell.poisoned, *cell.row, cell.metric): cell for cell in found}
    differences = []
    for cell in expected:
        where = f"{cell.layer}, {cell.trigger}, seed {cell.seed}, {cell.metric}"
        other = cells.pop((*cell.poisoned, *cell.row, cell.metric), None)
        if other is None:
            differences.append((f"{where} is missing", frozenset([cell.row])))
            continue
        for name in ARRAYS:
            one, two = getattr(other, name), getattr(cell, name)
            if not np.array_equal(one, two, equal_nan=one.dtype.kind == "f"):
                differences.append((f"{where}: {name} is not what the store says", frozenset([cell.row])))
        facts = ("subject", "direction", "core", "certified", "provenance", "ms_per_image", "passes")
        for name in facts:
            if str(getattr(other, name)) != str(getattr(cell, name)):
                said, known = getattr(other, name), getattr(cell, name)
                if name == "provenance":
                    name = next(key for key in known if said[key] != known[key])
                    said, known = said[name], known[name]
                differences.append((f"{where}: {name} is {said}, the store says {known}", frozenset([cell.row])))
    for cell in cells.values():
        where = f"{cell.layer}, {cell.trigger}, seed {cell.seed}, {cell.metric}"
        differences.append((f"{where} is not among what the store gives", frozenset([cell.row])))
    return differences
