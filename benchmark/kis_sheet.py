"""The picture of key information sufficiency: histograms of S, on the clean model and for each attack."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from peephole.files import write_atomically
from peephole.labels import broken
from peephole.leaderboard.kis_histograms import TITLES, bin_edges, bin_shares, verdict
from peephole.leaderboard.kis_study import ALL, CLEAN_MODEL, VARIANTS, Sample
from peephole.sheet import DOTS, KEY, is_current

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VERSION = "1"
"""Raised when the same samples are drawn otherwise."""
RIGHT, WRONG, CLEAN, POISONED, ENOUGH = "#2166ac", "#d9700a", "#808080", "#b2182b", "#eef3e6"
TITLE = (
    "Is what an explanation shows enough for the decision? S = 1: the network does just the same with that alone; "
    "S < 0: it does something else.\n"
    "Above, a model without a backdoor, by three ways to show it; below, a model for each backdoor, by KIS. Bars are "
    "shares of the pictures of their colour;\n"
    "what lies beyond the left end is in the first bar. Shaded: right of zero, where the explanation is enough."
)
LETTER = 0.525
"""Width of a letter to the size of the text, about."""


@dataclass(frozen=True)
class Measures:
    """How large things are.

    Attributes:
        width: inches of it all.
        columns: panels of attacks beside each other.
        top, head, row: inches of the title (none if 0), of the panels for the clean model, of each row of attacks.
        side, below, above: inches around the axes of a panel.
        title, text, small: points of titles of panels, of numbers beside bars, of keys and ticks.
        room: how high axes are, in heights of the highest bar.
        accuracy: where the accuracies begin, in heights of the axes; below the key where they do not fit beside it.
    """

    width: float = 13.5
    columns: int = 4
    top: float = 0.8
    head: float = 3.1
    row: float = 2.7
    side: float = 0.18
    below: float = 0.42
    above: float = 0.62
    title: float = 8.5
    text: float = 8
    small: float = 7.5
    room: float = 1.35
    accuracy: float = 0.98


SCREEN = Measures()
PANEL = 2.2
"""Inches a panel of a paper is wide, at least."""
Said = Callable[[str, str, str], str]
"""From a model, a way to feed back and a kind of pictures to what is said of S there."""


def on_paper(width: float, panel: float = PANEL) -> Measures:
    """Of a figure for a paper: small, and its words in the caption."""
    return Measures(
        width,
        max(1, int(width / panel)),
        top=0,
        head=2.1,
        row=1.85,
        side=0.14,
        below=0.32,
        above=0.48,
        title=6,
        text=6.2,
        small=6,
        room=1.8,
        accuracy=0.74,
    )


def draw_kis(
    samples: Sequence[Sample], distributions: pd.DataFrame, correctness: pd.DataFrame, path: Path, key: str
) -> list[Path]:
    """Write ``path`` as PNG, in the manner of P2's figures 8 and 9.

    Above, for each variant of S on the clean model, the decisions that are right and those that are wrong; below, for
    each trigger, the clean pictures and the poisoned ones by KIS. All seeds together. Each histogram is in shares of
    its own pictures.

    Args:
        samples: what to draw.
        distributions: `kis_table` of them.
        correctness: `correctness_table` of them.
        path: the file.
        key: says what the samples were made from; a picture that has it already is left alone.

    Returns:
        The path, if there is anything to show.
    """
    if samples:
        key = f"{VERSION}-{key}"
        if not is_current(path, key):
            draw = partial(_draw, key=key, samples=samples, distributions=distributions, correctness=correctness)
            write_atomically(path, draw)
    return [path] if samples else []


def _draw(
    path: Path, *, key: str, samples: Sequence[Sample], distributions: pd.DataFrame, correctness: pd.DataFrame
) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = kis_figure(samples, partial(verdict, distributions), correctness, SCREEN)
    FigureCanvasAgg(figure).print_figure(path, format="png", dpi=DOTS, metadata={KEY: key})


def kis_figure(samples: Sequence[Sample], said: Said, correctness: pd.DataFrame, measures: Measures) -> Figure:
    """The picture as matplotlib's figure, see `draw_kis`. What is ``said`` of samples stands above them."""
    from matplotlib.figure import Figure

    clean = [sample for sample in samples if sample.model == CLEAN_MODEL]
    triggers = list(dict.fromkeys(sample.model for sample in samples if sample.model != CLEAN_MODEL))
    tall = [measures.head] * bool(clean) + [measures.row] * math.ceil(len(triggers) / measures.columns)
    figure = Figure(figsize=(measures.width, measures.top + sum(tall)), dpi=DOTS, facecolor="white")
    if measures.top:
        figure.text(0.5, 1 - 0.12 / figure.get_figheight(), TITLE, ha="center", va="top", fontsize=10)
    edges = bin_edges(samples)
    if clean:
        table = correctness[correctness["seeds"] == ALL].set_index("variant")
        for place, variant in enumerate(VARIANTS):
            panel = _Panel(figure, measures, place, len(VARIANTS), measures.top, measures.head)
            name = "\n".join(textwrap.wrap(TITLES[place], panel.letters))
            title = f"{name}\nall: {said(CLEAN_MODEL, VARIANTS[place], 'clean')}"
            _correct_and_wrong(panel, clean, place, edges, table.loc[variant], title)
    for number, trigger in enumerate(triggers):
        row = number // measures.columns
        top = measures.top + sum(tall[: row + bool(clean)])
        panel = _Panel(figure, measures, number % measures.columns, measures.columns, top, measures.row)
        _clean_and_poisoned(panel, [sample for sample in samples if sample.model == trigger], edges, said)
    return figure


class _Panel:
    """Axes in a column of a row that begins ``top`` inches below the upper edge and is ``tall`` inches high."""

    def __init__(self, figure: Figure, measures: Measures, column: int, columns: int, top: float, tall: float) -> None:
        width, height = figure.get_figwidth(), figure.get_figheight()
        wide = width / columns
        inner = wide - 2 * measures.side
        bottom = height - top - tall + measures.below
        box = (column * wide + measures.side, bottom, inner, tall - measures.below - measures.above)
        self.measures = measures
        self.letters = int((inner + measures.side) * 72 / (LETTER * measures.title))
        self.axes: Any = figure.add_axes((box[0] / width, box[1] / height, box[2] / width, box[3] / height))


def _correct_and_wrong(
    panel: _Panel, clean: Sequence[Sample], place: int, edges: NDArray[np.float64], row: Any, title: str
) -> None:
    axes = panel.axes
    values = np.concatenate([sample.values[place] for sample in clean])
    correct = np.concatenate([sample.correct for sample in clean])
    defined = ~np.isnan(values)
    for chosen, colour, name in ((correct, RIGHT, "correct"), (~correct, WRONG, "wrong")):
        there = values[chosen & defined]
        _bars(axes, there, edges, colour, f"{len(there)} {name} decisions", filled=name == "correct")
    _frame(axes, edges, title, panel.measures)
    for side, ha, x in (("left", "right", -0.02), ("right", "left", 0.02)):
        accuracy = row[f"accuracy_{side}"]
        if not math.isnan(accuracy):
            axes.text(
                x,
                panel.measures.accuracy,
                f"{accuracy:.0%} correct\n{side} of zero",
                transform=axes.get_xaxis_transform(),
                ha=ha,
                va="top",
                fontsize=panel.measures.text,
            )


def _clean_and_poisoned(panel: _Panel, both: Sequence[Sample], edges: NDArray[np.float64], said: Said) -> None:
    lines = broken(f"backdoor {both[0].model}", panel.letters)
    for kind, colour in (("clean", CLEAN), ("poisoned", POISONED)):
        parts = [sample.values[0][sample.studied] for sample in both if sample.pictures == kind]
        if parts:
            values = np.concatenate(parts)
            values = values[~np.isnan(values)]
            _bars(panel.axes, values, edges, colour, f"{len(values)} {kind} pictures", filled=kind == "clean")
            lines.append(f"{kind}: {said(both[0].model, VARIANTS[0], kind)}")
    _frame(panel.axes, edges, "\n".join(lines), panel.measures)


def _bars(
    axes: Any, values: NDArray[np.float64], edges: NDArray[np.float64], colour: str, name: str, *, filled: bool
) -> None:
    """A histogram in shares of all values, those beyond the edges in the outermost bars."""
    style = {"fill": True, "alpha": 0.5} if filled else {"linewidth": 1.6}
    axes.stairs(bin_shares(values, edges), edges, label=name, color=colour, zorder=2, **style)


def _frame(axes: Any, edges: NDArray[np.float64], title: str, measures: Measures) -> None:
    """Zero, the title and the key, with room above the bars."""
    axes.set(xlim=(edges[0], edges[-1]), ylim=(0, measures.room * axes.get_ylim()[1]), yticks=[])
    axes.axvspan(0, edges[-1], color=ENOUGH, zorder=0)
    axes.axvline(0, ymax=min(1, measures.accuracy + 0.02), color="black", linewidth=1, zorder=3)
    axes.set_title(title, fontsize=measures.title, linespacing=1.3)
    axes.legend(loc="upper left", fontsize=measures.small, frameon=False, borderaxespad=0.1, handlelength=1.3)
    axes.set_xlabel("S", fontsize=measures.text, labelpad=1)
    axes.tick_params(labelsize=measures.small)
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
