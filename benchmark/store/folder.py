"""The output folder, and how we know that it is ours."""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path

from peephole.errors import PeepholeError
from peephole.files import write_atomically, write_text

DEFAULT_OUT = Path("peephole-results")
"""Where results go if nobody says otherwise."""
MARKER = "peephole.json"
FORMAT = "peephole results"
FORMAT_VERSION = 1


def open_folder(path: Path, *, create: bool) -> Path:
    """The output folder at ``path``; made if ``create`` and missing.

    Raises:
        PeepholeError: it is no folder, is not writable, holds something else, or was written by another version.
    """
    if not create and not (path / MARKER).is_file():
        raise PeepholeError(f"{path} holds no results; give the folder of an earlier run (peephole run --out DIR).")
    refuse_foreign(path)
    if create and not (path / MARKER).exists():
        _found(path)
    _check_marker(path / MARKER)
    if create and not os.access(path, os.W_OK | os.X_OK):
        raise PeepholeError(f"{path} is not writable; give another folder with --out, or change its permissions.")
    return path


def refuse_foreign(path: Path) -> None:
    """Refuse a place for results that is a file, or a folder with something else in it.

    Raises:
        PeepholeError: it is.
    """
    if path.exists() and not path.is_dir():
        raise PeepholeError(f"{path} is a file, results need a folder; give another one with --out.")
    if path.exists() and not (path / MARKER).exists() and any(path.iterdir()):
        raise PeepholeError(f"{path} is not empty and holds no peephole results; give a new folder with --out.")


def _found(path: Path) -> None:
    marker = json.dumps({"format": FORMAT, "version": FORMAT_VERSION})
    try:
        path.mkdir(parents=True, exist_ok=True)
        write_atomically(path / MARKER, partial(write_text, text=f"{marker}\n"))
    except OSError as error:
        raise PeepholeError(f"cannot write to {path} ({error.strerror}); give another folder with --out.") from error


def _check_marker(marker: Path) -> None:
    try:
        content = json.loads(marker.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PeepholeError(f"cannot read {marker} ({error}); give another folder with --out.") from error
    if content != {"format": FORMAT, "version": FORMAT_VERSION}:
        raise PeepholeError(
            f"{marker} says {content}, this version of peephole writes {FORMAT} version {FORMAT_VERSION}; "
            f"give another folder with --out."
        )
