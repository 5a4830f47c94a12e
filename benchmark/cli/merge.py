"""``peephole merge``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from peephole.cli.flags import Json


def merge_command(
    sources: Annotated[
        list[Path],
        typer.Argument(metavar="SOURCE...", help="Files of rows, and folders of runs or with files of rows in them."),
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder for the board; not that of a run.")],
    as_json: Json = False,
) -> None:
    """Make one board of rows that were published apart.

    Each run writes its rows to rows/ in its folder, one file a method, with every score that the row's numbers follow
    from. Rows of one board must explain the same networks: share the folder of a run, submit different methods to
    copies of it, and merge. Writes leaderboard.csv, scores.csv, pictures.h5 and rows/. A row that is in several
    sources counts once; rows that cannot stand side by side are refused.

    Examples:

    - `peephole merge results-a results-b --out board`
    - `peephole merge results leaderboard/rows/*.json --out board`
    """
    from peephole.merging import merge

    result = merge(sources, out=out)
    if as_json:
        from peephole.cli.tables import print_json, records

        print_json({"folder": str(result.folder), "leaderboard": records(result.leaderboard)})
        return
    from peephole.cli.leaderboard import print_board
    from peephole.cli.streams import console

    screen = console()
    print_board(result.leaderboard, screen, every_layer=False)
    screen.print(
        f"\nIn {result.folder}: leaderboard.csv (every layer), scores.csv, pictures.h5, rows/.", soft_wrap=True
    )
