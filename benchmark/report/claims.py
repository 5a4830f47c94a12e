"""What a report shows of the claims that were examined on a run's models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from peephole.claims.writing import FOLDER, read_reproduction
from peephole.errors import PeepholeError
from peephole.files import write_atomically
from peephole.leaderboard.claim_result import ClaimResult
from peephole.leaderboard.report.contents import Contents, claim_figure
from peephole.leaderboard.tables import LEADERBOARD


def with_claims(contents: Contents, folder: Path, site: Path) -> Contents:
    """The same, with the claims that ``folder`` tells of, and their figures copied to ``site``.

    Where there are claims and nobody has run the suite, tables are not missed.

    Raises:
        OSError: a figure cannot be written.
    """
    try:
        found = read_reproduction(folder)
    except PeepholeError as error:
        return replace(contents, missing=(*contents.missing, f"The claims are not here: {error}"))
    if found is None:
        return contents
    shown, lost = [], []
    for result in found.results:
        there = not result.figure or _copied(result, folder, site)
        shown.append(result if there else replace(result, figure=""))
        if not there:
            lost.append(
                f"The figure of claim {result.number} is not in {FOLDER}; examine it again: peephole reproduce "
                f"{result.number}."
            )
    missing = contents.missing if (folder / LEADERBOARD).is_file() else ()
    return replace(contents, claims=replace(found, results=tuple(shown)), missing=(*missing, *lost))


def _copied(result: ClaimResult, folder: Path, site: Path) -> bool:
    """Whether a figure is there, and now in the report, too."""
    try:
        content = (folder / FOLDER / Path(result.figure).name).read_bytes()
    except FileNotFoundError:
        return False
    write_atomically(site / claim_figure(result), lambda path: _write(path, content), settle=False)
    return True


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
