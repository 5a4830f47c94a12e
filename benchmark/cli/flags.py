"""Flags that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_OUT = Path("peephole-results")

Out = Annotated[Path, typer.Option("--out", help="Folder for results; what is in it already is not computed again.")]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        envvar="PEEPHOLE_DATA",
        help="Folder with your data sets: cifar10, imagenet, or train and test of your own. Not for `shapes`.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output, for programs.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]


def names(text: str | None) -> tuple[str, ...]:
    """A comma-separated list as a tuple, empty if the flag was not given."""
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())
