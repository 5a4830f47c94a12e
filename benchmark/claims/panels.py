"""Panels that the figures of several claims are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from peephole.claims.resampling import Draws
from peephole.figures.bands import line
from peephole.figures.style import GREY
from peephole.leaderboard.bootstrap import LEVEL

LETTER = 0.034
"""Inches that a letter of a slanted layer name goes down."""
ROW = 0.135
"""Inches a row of points."""

Band = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
"""Means, and the ends of their 95 % intervals."""


def place(figure: Any, left: float, bottom: float, wide: float, tall: float) -> Any:
    """Axes at a place of a figure, in inches."""
    width, height = figure.get_size_inches()
    return figure.add_axes((left / width, bottom / height, wide / width, tall / height))


def bands(draws: Draws, statistic: NDArray[np.float64]) -> Band:
    """Of statistics ``[..., rows]``: three arrays ``[...]``."""
    found = np.full((3, *statistic.shape[:-1]), np.nan)
    for index in np.ndindex(statistic.shape[:-1]):
        if not np.isnan(statistic[index]).any():
            one = draws.estimate(statistic[index], LEVEL)
            found[(slice(None), *index)] = one.value, one.low, one.high
    return found[0], found[1], found[2]


def below(layers: Sequence[str]) -> float:
    """Inches that the names of layers take below a panel."""
    return 0.14 + LETTER * max(map(len, layers))


def by_layer(axes: Any, names: Sequence[str], layers: Sequence[str], band: Band) -> None:
    """A line a name, of means ``[N,L]``, along the layers."""
    x = np.arange(len(layers), dtype=np.float64)
    for number, name in enumerate(names):
        mean, low, high = (np.ascontiguousarray(part[number]) for part in band)
        line(axes, number, name, x, mean, low, high)
    axes.set_xticks(x, layers, rotation=35, ha="right", rotation_mode="anchor")
    axes.set_xlim(-0.2, len(layers) - 0.8)


def rows(axes: Any, names: Sequence[str], colours: Sequence[str], band: Band, shift: float = 0.0) -> None:
    """A point a name, of means ``[N]``, from the top down, ``shift`` rows lower, with its interval."""
    mean, low, high = band
    for at, colour in enumerate(colours):
        axes.plot([low[at], high[at]], [at + shift] * 2, color=colour, linewidth=1.0, zorder=2)
        axes.plot(mean[at], at + shift, "o", color=colour, markersize=3.6, markeredgewidth=0, zorder=3)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.5, zorder=0)
    axes.set_axisbelow(True)


def points(axes: Any, x: Band, y: Band, colours: Sequence[str]) -> None:
    """A point a thing at two means, with both intervals."""
    for at, colour in enumerate(colours):
        axes.plot([x[1][at], x[2][at]], [y[0][at]] * 2, color=colour, linewidth=0.6, alpha=0.5, zorder=1)
        axes.plot([x[0][at]] * 2, [y[1][at], y[2][at]], color=colour, linewidth=0.6, alpha=0.5, zorder=1)
        axes.plot(x[0][at], y[0][at], "o", color=colour, markersize=4, markeredgewidth=0, zorder=3)


def diagonal(axes: Any, slope: float = 1.0, label: str = "") -> None:
    """A thin line through the origin."""
    axes.axline((0, 0), slope=slope, color=GREY, linewidth=0.7, linestyle=(0, (2, 2)), zorder=0, label=label or None)
