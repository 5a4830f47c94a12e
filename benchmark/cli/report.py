"""``peephole report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from peephole.cli.flags import Data
from peephole.store.folder import DEFAULT_OUT


def report_command(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Folder of a run.")] = DEFAULT_OUT,
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
    """
    from peephole.report.report import report_on

    index = report_on(folder, data, out)
    typer.echo(str(index))
    if show:
        import webbrowser

        webbrowser.open(index.absolute().as_uri())
