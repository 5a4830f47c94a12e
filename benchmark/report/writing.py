"""Writing the report of a run whose plan is at hand."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from peephole.errors import PeepholeError
from peephole.leaderboard.report.contents import Contents
from peephole.leaderboard.report.manifest import claim
from peephole.plan import Plan
from peephole.report.current import forget, is_current, made_from, note
from peephole.report.gather import gather
from peephole.workspace import Workspace

INDEX = "index.html"
REPORT = "report"
"""Where a report is in the folder of its run."""


def write_report(plan: Plan, workspace: Workspace, available: Collection[str], folder: Path) -> Path:
    """Write the report of a run, when its tables are written, to ``report/`` in its folder, unless it is there.

    Args:
        plan: of the run.
        workspace: to read its store with.
        available: digests of the units whose results are there.
        folder: of the run.

    Returns:
        The first page.

    Raises:
        PeepholeError: a file cannot be written, or the place holds something else.
        DamagedShard: a shard is not what was written.
    """
    site = folder / REPORT
    key = made_from(folder, available)
    if is_current(site, key):
        return site / INDEX
    try:
        claim(site)
        index = pages_of(gather(plan, workspace, available, folder, site), site)
        note(site, key)
        return index
    except OSError as error:
        raise unwritable(site, error) from error


def pages_of(contents: Contents, site: Path, siblings: Sequence[tuple[str, str]] = ()) -> Path:
    """Write the pages; their pictures are there already.

    Raises:
        OSError: a file cannot be written.
    """
    from peephole.leaderboard.report.site import write_site

    forget(site)
    return write_site(contents, site, siblings)


def unwritable(site: Path, error: OSError) -> PeepholeError:
    """What to tell where a report cannot be written."""
    return PeepholeError(
        f"cannot write the report to {error.filename or site} ({error.strerror or error}); make room or give another "
        "place with peephole report DIR --out SITE."
    )
