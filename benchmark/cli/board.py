"""The board as a table, laid out so that it fits the screen."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from peephole.cli.paper_table import PaperTable
from peephole.cli.tables import number
from peephole.labels import broken

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Layout:
    """How much room there is.

    Attributes:
        name, heading: letters a line of a method's name, and of a heading.
        gap: blanks between columns.
        interval: what stands between a score and its interval.
    """

    name: int
    heading: int
    gap: int
    interval: str = " "


PARETO = "†"
"""Marks methods that no other beats in both score and cost."""

LAYOUTS = (
    Layout(40, 16, 3),
    Layout(24, 16, 3),
    Layout(24, 16, 2),
    Layout(22, 9, 1, "\n"),
    Layout(14, 7, 1, "\n"),
    Layout(11, 6, 1, "\n"),
)
"""From wide to narrow."""
UNBROKEN = Layout(10_000, 10_000, 1)
COSTS: Mapping[str, str] = MappingProxyType({"ms_per_image": "ms", "passes": "passes"})
"""Their columns, and what they are called in headings."""


def board_table(
    frame: pd.DataFrame, metrics: list[str], *, title: str, caption: str, fewer: Collection[str], screen: Console
) -> Table:
    """A line a row of ``frame``; intervals of the metrics are in the file, here is room for the score's.

    The widest of `LAYOUTS` that fits the screen: names and headings are broken where there is little room, and nothing
    is cut. A table that fits in none is wider than the screen.

    Args:
        frame: as `peephole.leaderboard.board.board` gives it.
        metrics: which of its metrics to show.
        title: what stands above.
        caption: what stands below.
        fewer: methods to mark with a star.
        screen: where it is going to be printed.
    """
    room = screen.options.update(width=10_000)
    for layout in LAYOUTS:
        table = _table(frame, metrics, fewer, layout)
        width = Measurement.get(screen, room, table).maximum
        if width <= screen.width:
            break
    table.width = width
    table.title, table.caption = title, caption
    return table


def board_paper_table(
    frame: pd.DataFrame, metrics: list[str], *, caption: str, fewer: Collection[str], lower: Collection[str]
) -> PaperTable:
    """The same table for papers and pages: the best method of each column is bold, calibration rows are slanted.

    Args:
        frame: as of `board_table`.
        metrics: as of `board_table`.
        caption: what a reader needs to know.
        fewer: methods to mark with a star.
        lower: the metrics of which less is better.
    """
    worse = {*lower, *COSTS}
    arrows = {name: " ↓" if name in worse else " ↑" for name in ("score", *metrics, *COSTS)}
    columns = ("rank", "tie", "method", "layer", "score", *metrics, "invalid", *COSTS)
    headings = tuple(COSTS.get(name, name.replace("_", " ")) + arrows.get(name, "") for name in columns)
    rows = frame.to_dict("records")
    cells = tuple(tuple(text.plain for text in _cells(row, metrics, fewer, UNBROKEN)) for row in rows)
    own = (frame["kind"] == "method").to_numpy()
    bold = set()
    for name in arrows:
        values = frame[name].where(own).astype(float).round(2)
        best = values.min() if name in worse else values.max()
        bold |= {(row, columns.index(name)) for row, value in enumerate(values) if value == best}
    return PaperTable(
        caption=f"{caption} Bold: the best method. Slanted: rows whose scores are known beforehand.",
        headings=headings,
        left=frozenset({"method", "layer"}),
        rows=cells,
        bold=frozenset(bold),
        slanted=frozenset(row for row, each in enumerate(own) if not each),
    )


def _table(frame: pd.DataFrame, metrics: list[str], fewer: Collection[str], layout: Layout) -> Table:
    table = Table(
        title_justify="left",
        header_style="bold",
        caption_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, layout.gap - 1, 0, 0),  # the box itself has a blank between columns
    )
    for heading in ("rank", "tie", "method", "layer", "score", *metrics, "invalid", "ms", "passes"):
        lines = [line for word in heading.split("_") for line in broken(word, layout.heading)]
        table.add_column("\n".join(lines), justify="left" if heading in ("method", "layer") else "right", no_wrap=True)
    for row in frame.to_dict("records"):
        table.add_row(
            *_cells(row, metrics, fewer, layout), style="dim italic" if row["kind"] == "calibration" else None
        )
    return table


def _cells(row: dict[Any, Any], metrics: list[str], fewer: Collection[str], layout: Layout) -> list[Text]:
    low, high = number(row["score_lo"], 2), number(row["score_hi"], 2)
    score = number(row["score"], 2)
    name = row["method"] + ("*" if row["method"] in fewer else "") + (PARETO if row["pareto"] else "")
    milliseconds = row["ms_per_image"]
    texts = (
        row["rank_interval"],
        number(row["tie_group"], 0),
        "\n".join(broken(name, layout.name)),
        "\n".join(broken(row["layer"], layout.name)),
        f"{score}{layout.interval}[{low}, {high}]" if low else score,
        *(number(row[metric], 2) for metric in metrics),
        number(row["n_invalid"] or None, 0),
        number(milliseconds, 2 if milliseconds < 100 else 0),
        number(row["passes"], 1 if row["passes"] < 100 else 0),
    )
    return [Text(text) for text in texts]  # names may have brackets, which are no markup
