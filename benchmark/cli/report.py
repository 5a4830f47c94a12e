"""``peephole report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from peephole.cli.flags import Data
from peephole.cli.streams import say
from peephole.errors import PeepholeError
from peephole.store.folder import DEFAULT_OUT


def report_command(
    folders: Annotated[
        list[Path] | None, typer.Argument(metavar="[DIR]...", help="Folders of runs; each offers the others' boards.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="SITE", help="Folder for the pages; by default DIR/report.")
    ] = None,
    data: Data = None,
    show: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Write the web report of a run: the board, curves, and what every method highlights.

    A run writes its report itself; this writes it anew, or elsewhere, from what the folder holds. The pages need
    neither a network nor a server: open index.html, send the folder, or put it on any web host. What the folder lacks
    is left out, and the report says so.

    Examples:

    - `peephole report`
    - `peephole report results --open`
    - `peephole report results --out public/peephole`
    - `peephole report quick-results cifar10-results --data ~/data`
    """
    from peephole.report.report import report_on, reports_on

    several = folders or [DEFAULT_OUT]
    if len(several) > 1 and out is not None:
        raise PeepholeError("--out is for the report of one folder; leave it out, or give a single DIR.")

    def missing(sentence: str) -> None:
        say(f"peephole: missing: {sentence}", error=True)

    written = (
        reports_on(several, data, missing) if len(several) > 1 else [report_on(several[0], data, out, say=missing)]
    )
    for page in written:
        say(str(page))
    index = written[0]
    if show:
        import webbrowser

        webbrowser.open(index.absolute().as_uri())
