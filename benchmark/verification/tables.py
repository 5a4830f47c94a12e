"""Tables beside what they should be, cell by cell; torch-free."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from peephole.leaderboard.alignment import Row
from peephole.verification.finding import Finding

CLOSE = 1e-9
"""By which a number may differ, relative to itself or to 1: sums are rounded otherwise on another processor."""
FIRST_LINE = 2


def compare_table(
    path: Path,
    expected: pd.DataFrame,
    keys: Sequence[str],
    row_of: Callable[[dict[str, str]], Row | None],
    skip: Callable[[dict[str, str]], bool] = lambda line: False,
) -> list[Finding]:
    """What a CSV file says otherwise than the table that it should be.

    Args:
        path: the file.
        expected: the table, as it would be written.
        keys: columns that together name a line.
        row_of: the row of the board that a line, by its columns, belongs to.
        skip: lines of the file that nothing is known about.
    """
    try:
        written = _texts(path)
    except (OSError, ValueError) as error:
        return [Finding(path.name, f"cannot be read ({str(error).splitlines()[0]})")]
    buffer = io.StringIO()
    expected.to_csv(buffer, index=False, float_format="%.12g", lineterminator="\n")
    should = _texts(io.StringIO(buffer.getvalue()))
    findings = [Finding(path.name, f"has no column {name}") for name in should.columns if name not in written]
    findings += [Finding(path.name, f"has an unknown column {name}") for name in written.columns if name not in should]
    if any(name not in written for name in keys):
        return findings
    columns = [name for name in should.columns if name in written]
    wanted = {_key(line, keys): line for line in _lines(should)}
    order = []
    seen: dict[tuple[str, ...], int] = {}
    for number, line in enumerate(_lines(written), start=FIRST_LINE):
        key, where, row = _key(line, keys), f"{path.name} line {number}", row_of(line)
        rows = frozenset([row] if row else [])
        if skip(line):
            continue
        if key in seen:
            findings.append(Finding(where, f"{_name(key)} stands in line {seen[key]} already", rows))
        elif key not in wanted:
            findings.append(Finding(where, f"{_name(key)} is not among what the store gives", rows))
        else:
            findings += [
                Finding(where, f"{name} is {_shown(line[name])}, the store says {_shown(wanted[key][name])}", rows)
                for name in columns
                if not _alike(line[name], wanted[key][name])
            ]
            order.append(key)
        seen.setdefault(key, number)
    for key, line in wanted.items():
        if key not in seen and not skip(line):
            row = row_of(line)
            findings.append(Finding(path.name, f"{_name(key)} is missing", frozenset([row] if row else [])))
    if not findings and order != [key for key in wanted if key in seen]:
        findings.append(Finding(path.name, "its lines stand in another order"))
    return findings


def _texts(source: Any) -> pd.DataFrame:
    return pd.read_csv(source, dtype=str, keep_default_na=False, na_filter=False, encoding="utf-8")


def _lines(frame: pd.DataFrame) -> list[dict[str, str]]:
    names = list(frame.columns)
    return [dict(zip(names, values, strict=True)) for values in zip(*(frame[name] for name in names), strict=True)]


def _key(line: dict[str, str], keys: Sequence[str]) -> tuple[str, ...]:
    return tuple(line[name] for name in keys)


def _name(key: tuple[str, ...]) -> str:
    return "/".join(key)


def _shown(text: str) -> str:
    return text or "empty"


def _alike(one: str, other: str) -> bool:
    if one == other:
        return True
    try:
        first, second = float(one), float(other)
    except ValueError:
        return False
    return abs(first - second) <= CLOSE * max(1.0, abs(second))
