"""Making a figure: from its text to a file."""

from __future__ import annotations

from pathlib import Path

from peephole.engines.outcome import Watcher
from peephole.errors import PeepholeError
from peephole.figures.base import NAMING, Selection
from peephole.figures.results import Results
from peephole.figures.saving import format_of, save
from peephole.figures.style import paper_style
from peephole.machine import Machine

NARROWEST, WIDEST = 2.0, 40.0


def make_figure(
    text: str,
    folder: str | Path,
    out: str | Path,
    *,
    selection: Selection | None = None,
    width: float | None = None,
    data: Path | None = None,
    machine: Machine | None = None,
    watcher: Watcher | None = None,
    model: str | None = None,
) -> str:
    """Draw a figure of a run.

    Args:
        text: a figure's name, with options if wanted: ``cascades(pictures=64)``.
        folder: of the run. What a figure computes is kept in its store; nothing else in it is written to.
        out: the file; its suffix names the format.
        selection: what to show.
        width: inches; by default as the figure says.
        data: the folder with the user's data sets.
        machine: what to compute on, where a figure needs what the run has not computed.
        watcher: told of the progress of that.
        model: the ``module:factory`` of the run's network, if it is one of the user's own and the figure needs it.

    Returns:
        A caption.

    Raises:
        PeepholeError: there is no such figure or format, the run lacks what the figure is made of, what is selected
            does not exist, or the file cannot be written.
    """
    figure, out, selection = NAMING.build(text), Path(out), selection or Selection()
    format_of(out)
    figure.check(selection)
    if width is not None and not NARROWEST <= width <= WIDEST:
        raise PeepholeError(f"--width is in inches, from {NARROWEST:g} to {WIDEST:g}, not {width:g}.")
    results = Results(Path(folder), data, machine, watcher, model)
    with paper_style():
        drawing = figure.draw(results, selection, width or figure.width)
        save(drawing, out, figure.title)
    return drawing.caption
