"""A sheet of small pictures in rows and columns, with outlines and captions.

One image for all of them, one collection for all outlines: matplotlib takes seconds for a hundred axes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from peephole.outline import Point, borders

OUTLINE = "#00a651"
TILE = 0.9
"""Inches a picture."""
GAP = 0.05
"""Inches between columns."""
CAPTION = 0.2
"""Inches under a picture."""
LEFT = 1.25
TOP = 0.6
DOTS = 110
"""Dots an inch."""
COMPRESSION = 2
"""Of the PNG file: more takes seconds and saves little."""

KEY = "peephole-key"
"""The name under which a picture says what it was made from."""


def is_current(path: Path, key: str) -> bool:
    """Whether the picture at ``path`` was made from what ``key`` says."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            return image.info.get(KEY) == key
    except (FileNotFoundError, UnidentifiedImageError):
        return False


class Sheet:
    """Pictures of ``side``×``side``, captions under them, names left of the rows and headings above the columns."""

    def __init__(self, rows: int, columns: int, side: int) -> None:
        from matplotlib.figure import Figure

        self._side = side
        self._width = LEFT + columns * (TILE + GAP)
        self._height = TOP + rows * (TILE + CAPTION)
        self._figure = Figure(figsize=(self._width, self._height), dpi=DOTS, facecolor="none")
        self._axes: Any = self._figure.add_axes((0, 0, 1, 1))
        self._axes.set(xlim=(0, self._width), ylim=(self._height, 0))
        self._axes.set_axis_off()
        width, height = (round(value) for value in self._figure.bbox.size)
        self._dots = np.full((height, width, 3), 255, np.uint8)
        self._outlines: list[tuple[Point, Point]] = []

    def put(
        self, row: int, column: int, colours: NDArray[Any], mask: NDArray[np.bool_], caption: str | None = None
    ) -> None:
        """A picture ``[side,side,3]`` of values in [0,1], outlined where ``mask`` ``[side,side]`` ends."""
        left, top = self._corner(row, column)
        size = round(TILE * DOTS)
        nearest = (np.arange(size) * self._side) // size
        x, y = round(left * DOTS), round(top * DOTS)
        tile = (255 * colours).round().astype(np.uint8)
        self._dots[y : y + size, x : x + size] = tile[nearest][:, nearest]
        scale = TILE / self._side
        for (x0, y0), (x1, y1) in borders(mask):
            self._outlines.append(((left + x0 * scale, top + y0 * scale), (left + x1 * scale, top + y1 * scale)))
        if caption:
            self._write(left + TILE / 2, top + TILE + 0.02, caption, 7, va="top")

    def name(self, row: int, text: str) -> None:
        """What stands left of a row."""
        _, top = self._corner(row, 0)
        self._write(LEFT - 0.08, top + TILE / 2, text, 8, ha="right", va="center")

    def heading(self, column: int, text: str) -> None:
        """What stands above a column."""
        left, top = self._corner(0, column)
        self._write(left + TILE / 2, top - 0.05, text, 8, va="bottom")

    def title(self, text: str) -> None:
        """What stands above it all."""
        self._write(self._width / 2, 0.1, text, 9, va="top")

    def save(self, path: Path, facts: Mapping[str, str]) -> None:
        """Write the sheet as PNG with ``facts`` in it."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.collections import LineCollection
        from PIL import Image
        from PIL.PngImagePlugin import PngInfo

        self._axes.add_collection(LineCollection(self._outlines, colors=OUTLINE, linewidths=1.0), autolim=False)
        canvas = FigureCanvasAgg(self._figure)
        canvas.draw()
        # The pictures are put under text and lines dot by dot: matplotlib would resample them, which takes seconds.
        sheet = Image.fromarray(self._dots).convert("RGBA")
        sheet.alpha_composite(Image.fromarray(np.asarray(canvas.buffer_rgba())))
        info = PngInfo()
        for name, fact in facts.items():
            info.add_text(name, fact)
        sheet.convert("RGB").save(path, format="png", pnginfo=info, compress_level=COMPRESSION)

    def _corner(self, row: int, column: int) -> Point:
        return LEFT + column * (TILE + GAP), TOP + row * (TILE + CAPTION)

    def _write(self, x: float, y: float, text: str, size: int, *, va: str, ha: str = "center") -> None:
        self._axes.text(x, y, text, fontsize=size, ha=ha, va=va)
