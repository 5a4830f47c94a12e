"""A folder of published rows, one file a method; torch-free."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from urllib.parse import quote

from peephole.errors import PeepholeError
from peephole.files import write_atomically, write_text
from peephole.leaderboard.cells import Kind
from peephole.leaderboard.row_file import FORMAT, PublishedRow
from peephole.leaderboard.row_text import row_text

ROWS = "rows"
LONGEST = 200
"""Letters of a file name; file systems allow about 250."""


def row_file_name(method: str, kind: Kind) -> str:
    """What a row's file is called: the method, with everything percent-encoded that a file system might mind.

    Calibration rows have an ``@`` before it, which no method's name gives; of a very long name the end is a digest.
    """
    name = quote(method, safe="(),=")
    if len(name) > LONGEST:
        name = f"{name[:LONGEST]}-{hashlib.sha256(method.encode()).hexdigest()[:16]}"
    return f"{'@' if kind == 'calibration' else ''}{name}.json"


def write_rows(rows: Sequence[PublishedRow], folder: Path) -> None:
    """Make ``folder`` hold these rows and no others. Files that are right already are left alone.

    Raises:
        PeepholeError: a file cannot be written, or see `row_text`.
    """
    texts = {row_file_name(row.method, row.kind): row_text(row) for row in rows}
    try:
        for old in folder.glob("*.json"):
            if old.name not in texts and _is_row(old):
                old.unlink()
        for name, text in texts.items():
            path = folder / name
            if not path.is_file() or path.read_bytes() != text.encode():
                write_atomically(path, partial(write_text, text=text))
    except OSError as error:
        raise PeepholeError(f"cannot write to {folder} ({error.strerror}); choose another place with --out") from error


def row_files(source: Path) -> list[Path]:
    """The files of rows at a place: the file itself; of a folder those in its ``rows``, or in itself.

    Raises:
        PeepholeError: there is no such place, or there are none.
    """
    if not source.is_dir():
        if not source.is_file():
            raise PeepholeError(f"there is no {source}; give files of rows, or folders with rows in them")
        return [source]
    folder = source / ROWS if (source / ROWS).is_dir() else source
    found = [path for path in sorted(folder.glob("*.json")) if folder.name == ROWS or _is_row(path)]
    if not found:
        raise PeepholeError(
            f"there are no rows in {folder}; do the same run once more to have them written, or give another folder"
        )
    return found


def _is_row(path: Path) -> bool:
    """Whether a file says that it is a row: what else lies about is nobody's to read or remove."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.get("format") == FORMAT
