"""The picture of key information sufficiency: histograms of S, on the clean model and for each attack."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from peephole.files import write_atomically
from peephole.labels import broken
from peephole.leaderboard.kis_study import ALL, CLEAN_MODEL, VARIANTS, Sample
from peephole.sheet import DOTS, KEY, is_current

VERSION = "1"
"""Raised when the same samples are drawn otherwise."""
RIGHT, WRONG, CLEAN, POISONED, ENOUGH = "#2166ac", "#d9700a", "#808080", "#b2182b", "#eef3e6"
NAMES = (
    "KIS: the map in the place of the picture",
    "Insertion: the picture where the map is above its mean",
    "Insertion (ABS): the picture where |map| is above its mean",
)
TITLE = (
    "Is what an explanation shows enough for the decision? S = 1: the network does just the same with that alone; "
    "S < 0: it does something else.\n"
    "Above, a model without a backdoor, by three ways to show it; below, a model for each backdoor, by KIS. Bars are "
    "shares of the pictures of their colour;\n"
    "what lies beyond the left end is in the first bar. Shaded: right of zero, where the explanation is enough."
)
BINS = 40
LOWEST, HIGHEST, FEW = -3.0, -0.5, 4
"""Axes begin between the first two, where they can with at most this percentage of any kind of pictures beyond them."""
COLUMNS = 4
WIDTH = 13.5
TOP, HEAD, ROW = 0.8, 3.1, 2.7
"""Inches of the title, of the panels for the clean model, and of each row of attacks."""
SIDE, BELOW, ABOVE = 0.18, 0.42, 0.62
"""Inches around the axes of a panel."""
LETTERS = 44


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
    from matplotlib.figure import Figure

    clean = [sample for sample in samples if sample.model == CLEAN_MODEL]
    triggers = list(dict.fromkeys(sample.model for sample in samples if sample.model != CLEAN_MODEL))
    tall = [HEAD] * bool(clean) + [ROW] * math.ceil(len(triggers) / COLUMNS)
    figure = Figure(figsize=(WIDTH, TOP + sum(tall)), dpi=DOTS, facecolor="white")
    figure.text(0.5, 1 - 0.12 / figure.get_figheight(), TITLE, ha="center", va="top", fontsize=10)
    edges = _edges(samples)
    if clean:
        table = correctness[correctness["seeds"] == ALL].set_index("variant")
        for place, variant in enumerate(VARIANTS):
            axes = _panel(figure, place, len(VARIANTS), TOP, HEAD)
            verdict = _verdict(distributions, CLEAN_MODEL, place, "clean")
            _correct_and_wrong(axes, clean, place, edges, table.loc[variant], f"{NAMES[place]}\nall: {verdict}")
    for number, trigger in enumerate(triggers):
        row = number // COLUMNS
        axes = _panel(figure, number % COLUMNS, COLUMNS, TOP + sum(tall[: row + bool(clean)]), ROW)
        both = [sample for sample in samples if sample.model == trigger]
        _clean_and_poisoned(axes, both, edges, distributions)
    FigureCanvasAgg(figure).print_figure(path, format="png", dpi=DOTS, metadata={KEY: key})


def _panel(figure: Any, column: int, columns: int, top: float, tall: float) -> Any:
    """Axes in a column of a row that begins ``top`` inches below the upper edge and is ``tall`` inches high."""
    width, height = figure.get_figwidth(), figure.get_figheight()
    wide = width / columns
    box = (column * wide + SIDE, height - top - tall + BELOW, wide - 2 * SIDE, tall - BELOW - ABOVE)
    return figure.add_axes((box[0] / width, box[1] / height, box[2] / width, box[3] / height))


def _correct_and_wrong(
    axes: Any, clean: Sequence[Sample], place: int, edges: NDArray[np.float64], row: Any, title: str
) -> None:
    values = np.concatenate([sample.values[place] for sample in clean])
    correct = np.concatenate([sample.correct for sample in clean])
    defined = ~np.isnan(values)
    for chosen, colour, name in ((correct, RIGHT, "correct"), (~correct, WRONG, "wrong")):
        there = values[chosen & defined]
        _bars(axes, there, edges, colour, f"{len(there)} {name} decisions", filled=name == "correct")
    _frame(axes, edges, title)
    for side, ha, x in (("left", "right", -0.02), ("right", "left", 0.02)):
        accuracy = row[f"accuracy_{side}"]
        if not math.isnan(accuracy):
            axes.text(
                x,
                0.98,
                f"{accuracy:.0%} correct\n{side} of zero",
                transform=axes.get_xaxis_transform(),
                ha=ha,
                va="top",
                fontsize=8,
            )


def _clean_and_poisoned(
    axes: Any, both: Sequence[Sample], edges: NDArray[np.float64], distributions: pd.DataFrame
) -> None:
    lines = broken(f"backdoor {both[0].model}", LETTERS)
    for kind, colour in (("clean", CLEAN), ("poisoned", POISONED)):
        parts = [sample.values[0][sample.studied] for sample in both if sample.pictures == kind]
        if parts:
            values = np.concatenate(parts)
            values = values[~np.isnan(values)]
            _bars(axes, values, edges, colour, f"{len(values)} {kind} pictures", filled=kind == "clean")
            lines.append(f"{kind}: {_verdict(distributions, both[0].model, 0, kind)}")
    _frame(axes, edges, "\n".join(lines))


def _bars(
    axes: Any, values: NDArray[np.float64], edges: NDArray[np.float64], colour: str, name: str, *, filled: bool
) -> None:
    """A histogram in shares of all values, those beyond the edges in the outermost bars."""
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    style = {"fill": True, "alpha": 0.5} if filled else {"linewidth": 1.6}
    axes.stairs(counts / max(1, len(values)), edges, label=name, color=colour, zorder=2, **style)


def _frame(axes: Any, edges: NDArray[np.float64], title: str) -> None:
    """Zero, the title and the key, with room above the bars."""
    axes.set(xlim=(edges[0], edges[-1]), ylim=(0, 1.35 * axes.get_ylim()[1]), yticks=[])
    axes.axvspan(0, edges[-1], color=ENOUGH, zorder=0)
    axes.axvline(0, color="black", linewidth=1, zorder=3)
    axes.set_title(title, fontsize=8.5, linespacing=1.3)
    axes.legend(loc="upper left", fontsize=7.5, frameon=False, borderaxespad=0.1, handlelength=1.3)
    axes.set_xlabel("S", fontsize=8, labelpad=1)
    axes.tick_params(labelsize=7.5)
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)


def _verdict(distributions: pd.DataFrame, model: str, place: int, pictures: str) -> str:
    """Where S lies and whether it has two peaks, in words."""
    chosen = distributions[
        (distributions["seeds"] == ALL)
        & (distributions["variant"] == VARIANTS[place])
        & (distributions["model"] == model)
        & (distributions["pictures"] == pictures)
    ]
    row = chosen.iloc[0]
    peaks = {"yes": "two peaks", "no": "two peaks not shown", "": row["reason"]}[row["bimodal"]]
    return peaks if math.isnan(row["share_right"]) else f"{row['share_right']:.0%} right of zero, {peaks}"


def _edges(samples: Sequence[Sample]) -> NDArray[np.float64]:
    """The bins: from where all but a few of each kind of pictures begin, to 1, with an edge at zero."""
    rows = [row[~np.isnan(row)] for sample in samples for row in sample.values]
    begin = min((float(np.percentile(row, FEW)) for row in rows if len(row)), default=0.0)
    above = math.ceil(BINS / (1 - max(LOWEST, min(HIGHEST, begin))))
    return np.arange(above - BINS, above + 1) / above
