"""``peephole figure``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from peephole.cli.flags import Data, Device, Json, OwnModel, Quiet
from peephole.cli.streams import say
from peephole.errors import PeepholeError
from peephole.store.folder import DEFAULT_OUT
from peephole.texts.tokens import split


def figure_command(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="As `peephole list figures` names it, with options in parentheses."),
    ],
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Folder with results.")] = DEFAULT_OUT,
    out: Annotated[
        Path | None, typer.Option("--out", help="The file: .pdf, .svg, .eps or .png; by default NAME.pdf, here.")
    ] = None,
    methods: Annotated[str | None, typer.Option(help="Only these methods, separated by commas.")] = None,
    triggers: Annotated[str | None, typer.Option(help="Only these triggers, separated by commas.")] = None,
    metrics: Annotated[str | None, typer.Option(help="Only these metrics, separated by commas.")] = None,
    width: Annotated[float | None, typer.Option(help="Inches; by default as the figure says.")] = None,
    model: OwnModel = None,
    data: Data = None,
    device: Device = "auto",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Draw a figure for a paper, and print a caption for it.

    Drawn from the results of an earlier run. What a figure has to compute is kept in the folder's store, so that it is
    there the next time; nothing else in the folder is written to.

    Examples:

    - `peephole figure layer_curves`
    - `peephole figure layer_curves results --metrics completeness,restore --methods grad_cam,rectgrad --out fig4.pdf`
    - `peephole figure heatmaps --triggers badnet --width 6.75 --out maps.pdf`
    - `peephole figure "cascades(pictures=128)" results --out fig2a.svg`
    """
    from peephole.figures.base import NAMING, Selection
    from peephole.figures.making import make_figure
    from peephole.machine import Machine

    path = out or Path(f"{NAMING.name_of(name)}.pdf")
    for flag, text in (("--methods", methods), ("--triggers", triggers), ("--metrics", metrics)):
        if text is not None and not split(text):
            raise PeepholeError(f"{flag} names none; give some, separated by commas, or leave it out.")
    chosen = Selection(*(split(text or "") for text in (methods, triggers, metrics)))
    machine = Machine(device)

    def made(watcher: object = None) -> str:
        return make_figure(
            name,
            folder,
            path,
            selection=chosen,
            width=width,
            data=data,
            machine=machine,
            watcher=watcher,  # type: ignore[arg-type]
            model=model,
        )

    if quiet or as_json:
        caption = made()
    else:
        from peephole.cli.progress import ProgressWatcher

        with ProgressWatcher(None) as watcher:
            caption = made(watcher)
    if as_json:
        from peephole.cli.tables import print_json

        print_json({"figure": NAMING.resolve(name), "file": str(path), "caption": caption})
    else:
        say(f"{path}: {caption}")
