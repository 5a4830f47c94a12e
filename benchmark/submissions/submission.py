"""A submission: a method that is not one of the benchmark's, with everything that makes it what it is; torch-free."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from peephole.attributions.base import ATTRIBUTIONS
from peephole.errors import PeepholeError
from peephole.leaderboard.base import CALIBRATION
from peephole.submissions.limits import Limits
from peephole.texts.spec import Value, spell

NAME = re.compile(r"[A-Za-z][\w.:+-]{0,63}")
METHOD = "submission"
"""What stands for the method in the spec of a unit; the digest beside it says which."""


@dataclass(frozen=True)
class Submission:
    """A submitted method.

    Attributes:
        name: on the board.
        target: where it was found, as it was written.
        options: what its function or constructor is called with, by name.
        how: how its process loads it, as JSON values: ``kind`` and ``options``, and ``file`` and ``object``, ``module``
            and ``object``, or ``text``.
        requires: versions of the distributions that its code imports, by name; torch, numpy and the benchmark's own
            stand in every row anyway.
        source: the folder with its own files, or None if it is installed.
        share: of the pictures that it is scored on, in (0,1]; less where it is too costly for all of them.
        limits: what it may use wherever it runs again, if that was said; no part of the digest.

    Raises:
        PeepholeError: the share is not in (0,1].
    """

    name: str
    target: str
    options: tuple[tuple[str, Value], ...]
    how: Mapping[str, Any]
    requires: Mapping[str, str] = field(default_factory=dict)
    source: Path | None = None
    share: float = 1.0
    limits: Limits | None = None

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise PeepholeError(f"the share of the pictures is {self.share:g}; expected a number above 0, 1 at most.")

    @cached_property
    def digest(self) -> str:
        """16 hexadecimal digits: another code, option or version of what it imports gives another one. The name and
        the place where it was found do not count.
        """
        files = (
            {}
            if self.source is None
            else {
                path.relative_to(self.source).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
                for path in sorted(self.source.rglob("*"))
                if path.is_file()
            }
        )
        parts = [dict(self.how), dict(self.requires), files]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def written(self) -> str:
        """Target and options as they were written, for a command line."""
        return " ".join([self.target, *(f"--option {name}={value}" for name, value in self.options)])

    @property
    def described(self) -> str:
        """Target and options in one text that names no folder: ``my_method.py:explain(samples=25)``."""
        where = self.how.get("text") or ":".join(
            str(self.how[part]) for part in ("file", "module", "object") if part in self.how
        )
        options = ", ".join(f"{name}={spell(value)}" for name, value in self.how["options"].items())
        return f"{where}({options})" if options else where

    def __hash__(self) -> int:
        return hash((self.name, self.digest))


def check_name(name: str) -> str:
    """A name that can stand on a board.

    Raises:
        PeepholeError: it cannot be typed easily, or is one of the benchmark's own.
    """
    if not NAME.fullmatch(name):
        raise PeepholeError(
            f"the name {name[:80]!r} cannot stand on a board; expected a letter, then at most 63 letters, digits or "
            "any of _ . : + -; give one with --name."
        )
    for kind, registry in (("method", ATTRIBUTIONS), ("calibration row", CALIBRATION)):
        if name.lower().replace("-", "_") in registry.names():
            raise PeepholeError(f"the name {name} is that of a {kind} of the benchmark; give another with --name.")
    return name
