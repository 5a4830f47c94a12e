"""Lines with their intervals, and the key to many of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from peephole.figures.style import GREY, line_style

ROW = 0.145
"""Inches a row of a key."""
LETTER = 0.067
"""Inches a letter of a key, about."""

Values = NDArray[np.float64]


def line(axes: Any, number: int, name: str, x: Values, mean: Values, low: Values, high: Values) -> None:
    """The ``number``-th line, with a band from ``low`` to ``high``; gaps where there is none, a bar for one alone."""
    style = line_style(number)
    there = ~np.isnan(mean)
    if there.sum() == 1:
        axes.vlines(x[there], low[there], high[there], color=style["color"], linewidth=0.8, zorder=2)
    axes.fill_between(x, low, high, color=style["color"], alpha=0.16, linewidth=0, zorder=1)
    axes.plot(x, mean, label=name, zorder=3, markeredgewidth=0, **style)


def chance(axes: Any, value: float) -> None:
    """What a map that knows nothing is expected to score."""
    axes.axhline(value, color=GREY, linewidth=0.8, linestyle=(0, (2, 2)), zorder=2, label="chance")


class Key:
    """A key below the panels, in as many columns as fit.

    Args:
        names: in their order.
        width: inches of the figure.
    """

    def __init__(self, names: Sequence[str], width: float) -> None:
        wide = max(map(len, names)) * LETTER + 0.55
        self._columns = max(1, min(len(names), int(width / wide)))
        self.height = ROW * math.ceil(len(names) / self._columns) + 0.08
        """Inches."""

    def draw(self, figure: Any, panels: Sequence[Any]) -> None:
        """Put it at the lower edge: every line of any panel, each once."""
        found: dict[str, Any] = {}
        for panel in panels:
            for handle, name in zip(*panel.get_legend_handles_labels(), strict=True):
                found.setdefault(name, handle)
        figure.legend(
            found.values(),
            found.keys(),
            loc="lower center",
            ncols=self._columns,
            bbox_to_anchor=(0.5, 0.0),
            borderaxespad=0.1,
            handlelength=2.4,
            columnspacing=1.2,
            labelspacing=0.25,
        )
