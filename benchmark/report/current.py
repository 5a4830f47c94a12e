"""Whether a report is already what would be written: a run that had nothing to compute leaves it as it is."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from functools import partial
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from peephole.certificates import MODELS
from peephole.claims.writing import FOLDER, VERDICTS
from peephole.files import write_atomically, write_text
from peephole.kis import CORRECTNESS, DISTRIBUTIONS
from peephole.leaderboard.picture_file import PICTURES
from peephole.leaderboard.report.manifest import listed
from peephole.leaderboard.tables import LEADERBOARD, SCORES

NOTE = ".made-from"
TABLES = (LEADERBOARD, SCORES, MODELS, DISTRIBUTIONS, CORRECTNESS, PICTURES, f"{FOLDER}/{VERDICTS}")
CODE = (
    "peephole",
    "peephole.attributions.rules",
    "peephole.leaderboard",
    "peephole.leaderboard.calibration",
    "peephole.leaderboard.metrics",
    "peephole.leaderboard.report",
    "peephole.report",
)
"""Packages that pages and pictures are made by, or quote."""


def made_from(folder: Path, available: Collection[str]) -> str:
    """SHA-256 of all that a report of ``folder`` is made from: tables, shards, and the code that writes it.

    Args:
        folder: of the run.
        available: digests of the units whose results are there.
    """
    digest = hashlib.sha256()
    for name in TABLES:
        path = folder / name
        digest.update(name.encode() + (hashlib.sha256(path.read_bytes()).digest() if path.is_file() else b"-"))
    for path in sorted((folder / FOLDER).glob("*.png")):
        digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    for name in sorted(available):
        digest.update(name.encode())
    for package in CODE:
        _add(digest, files(package))
    return digest.hexdigest()


def _add(digest: hashlib._Hash, place: Traversable) -> None:
    for entry in sorted(place.iterdir(), key=lambda each: each.name):
        if entry.is_file() and not entry.name.endswith(".pyc"):
            digest.update(entry.name.encode() + entry.read_bytes())
        elif entry.name in ("templates", "assets", "charts", "pages"):
            _add(digest, entry)


def is_current(site: Path, key: str) -> bool:
    """Whether the report in ``site`` was made from what ``key`` says, and is all there."""
    try:
        same = (site / NOTE).read_text(encoding="utf-8") == key
    except OSError:
        return False
    files = listed(site)
    return same and bool(files) and all((site / path).is_file() for path in files)


def note(site: Path, key: str) -> None:
    """Say what the report in ``site`` was made from, when all of it is written."""
    write_atomically(site / NOTE, partial(write_text, text=key))


def forget(site: Path) -> None:
    """The report in ``site`` is about to be something else."""
    (site / NOTE).unlink(missing_ok=True)
