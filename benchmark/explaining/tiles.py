"""Maps that are shown as pictures, side by side; torch-free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

GAP = 0.04
"""Inches between tiles."""
FRAME = "#c8c8c8"


@dataclass(frozen=True, eq=False)
class Tile:
    """One picture of a sheet, with words above and below.

    Attributes:
        image: ``[H,W,3]`` in [0,1].
        above, below: lines of text.
        strong: whether the lowest line stands out.
    """

    image: NDArray[np.float64]
    above: str = ""
    below: str = ""
    strong: bool = False


def as_picture(values: NDArray[Any]) -> NDArray[np.float64]:
    """A map ``[C,H,W]`` for the eye: its lowest value over all channels black, its highest white; ``[H,W,3]``.

    A constant map is grey. One channel is shown in grey, as many as three are taken for red, green and blue.
    """
    low, high = float(values.min()), float(values.max())
    scaled = (values.astype(np.float64) - low) / (high - low) if high > low else np.full(values.shape, 0.5)
    return as_shown(scaled)


def as_shown(picture: NDArray[Any]) -> NDArray[np.float64]:
    """A picture ``[C,H,W]`` in [0,1] as ``[H,W,3]``; channels beyond three are averaged to grey."""
    three = picture if len(picture) == 3 else np.repeat(picture.mean(axis=0, keepdims=True), 3, axis=0)
    return np.moveaxis(three.astype(np.float64), 0, -1)


def spread(count: int, most: int) -> list[int]:
    """At most so many of ``count`` numbers from 0 on, evenly spaced, the first and the last among them."""
    return sorted({round(place) for place in np.linspace(0, count - 1, min(count, most))})


def draw_row(
    figure: Any, tiles: Sequence[Tile], top: float, side: float, *, left: float = 0.0, size: float = 6.0
) -> None:
    """Draw tiles beside each other.

    Args:
        figure: matplotlib's.
        tiles: from the left.
        top: inches from the upper edge of the figure to that of the tiles.
        side: inches of a tile.
        left: inches before the first.
        size: points of the text.
    """
    width, height = figure.get_figwidth(), figure.get_figheight()
    for column, tile in enumerate(tiles):
        x = left + column * (side + GAP)
        axes = figure.add_axes((x / width, 1 - (top + side) / height, side / width, side / height))
        axes.imshow(tile.image, vmin=0, vmax=1, interpolation="nearest")
        axes.set(xticks=[], yticks=[])
        for spine in axes.spines.values():
            spine.set(visible=True, color=FRAME, linewidth=0.5)
        middle = (x + side / 2) / width
        pad = 0.03
        if tile.above:
            figure.text(middle, 1 - (top - pad) / height, tile.above, ha="center", va="bottom", fontsize=size)
        if tile.below:
            figure.text(
                middle,
                1 - (top + side + pad) / height,
                tile.below,
                ha="center",
                va="top",
                fontsize=size,
                linespacing=1.25,
                fontweight="bold" if tile.strong else "normal",
            )
