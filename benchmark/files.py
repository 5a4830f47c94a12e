"""Writing files so that nothing is ever half-written. Ground floor: every folder may import it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def write_atomically(
    path: Path, write: Callable[[Path], None], *, settle: bool = True, through: Path | None = None
) -> None:
    """Let ``write`` fill a temporary file, bring it to the disk, then rename it into place.

    Whoever reads ``path`` finds the old content or the new one, at whatever moment this process is killed.

    Args:
        path: the file.
        write: writes it whole, to the path that it is given.
        settle: bring the new name to the disk, too; not needed before another file of the folder that will.
        through: the folder of the temporary file, on the same disk; by default that of ``path``.
    """
    folder = through or path.parent
    path.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=folder)
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        temporary.chmod(0o644)
        _sync(temporary)
        temporary.replace(path)
        if settle:
            _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, *, text: str) -> None:
    """Write ``text`` as UTF-8; for `write_atomically`."""
    path.write_text(text, encoding="utf-8")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
