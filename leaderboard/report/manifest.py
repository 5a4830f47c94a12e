"""Which files of a folder are a report's: it overwrites and takes away those, and nothing else."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from pathlib import Path, PurePosixPath

from peephole.errors import PeepholeError
from peephole.files import write_atomically, write_text

NAME = ".peephole-report"
MARK = "peephole report, version 1: the files of this folder that a later report may replace or take away"


def claim(folder: Path) -> None:
    """Make ``folder`` a report's, before anything is written to it.

    Raises:
        PeepholeError: it is a file, or holds something and is no report's.
    """
    if folder.exists() and not folder.is_dir():
        raise PeepholeError(f"{folder} is a file, a report needs a folder; give another one with --out.")
    if (folder / NAME).is_file() and _lines(folder)[:1] == [MARK]:
        return
    if folder.is_dir() and any(folder.iterdir()):
        raise PeepholeError(f"{folder} holds files that are no report's; give an empty or a new folder with --out.")
    _write(folder, ())


def listed(folder: Path) -> set[str]:
    """The files of the report in ``folder``, relative to it, with ``/`` between folders."""
    lines = _lines(folder)
    return {path for path in lines[1:] if _is_inside(path)} if lines[:1] == [MARK] else set()


def keep_only(folder: Path, files: Collection[str]) -> None:
    """List ``files``, and take away those that were listed and are not among them."""
    for path in listed(folder) - set(files):
        (folder / path).unlink(missing_ok=True)
    _write(folder, files)


def _lines(folder: Path) -> list[str]:
    try:
        return (folder / NAME).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []


def _write(folder: Path, files: Collection[str]) -> None:
    write_atomically(folder / NAME, partial(write_text, text="\n".join([MARK, *sorted(files)]) + "\n"))


def _is_inside(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and not PurePosixPath(path).is_absolute() and ".." not in parts
