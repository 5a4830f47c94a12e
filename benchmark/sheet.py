"""A sheet of small pictures in rows and columns, with outlines and captions.

One image for all of them, one collection for all outlines: matplotlib takes seconds for a hundred axes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from peephole.outline import Point, borders

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OUTLINE = "#00a651"
DOTS = 110
"""Dots an inch."""
COMPRESSION = 2
"""Of the PNG file: more takes seconds and saves little."""

FINE = 200
"""Dots a picture has at least where it stands among vectors: many viewers blur what has few."""

KEY = "peephole-key"
"""The name under which a picture says what it was made from."""


@dataclass(frozen=True)
class Measures:
    """How large things are.

    Attributes:
        tile, gap, caption: inches of a picture, between columns, and under a picture.
        left, top: inches beside and above all pictures.
        small, text, title: points of captions, of names and headings, and of the title.
        line: points of outlines.
    """

    tile: float = 0.9
    gap: float = 0.05
    caption: float = 0.2
    left: float = 1.25
    top: float = 0.6
    small: float = 7
    text: float = 8
    title: float = 9
    line: float = 1.0


SCREEN = Measures()


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

    def __init__(self, rows: int, columns: int, side: int, measures: Measures = SCREEN) -> None:
        from matplotlib.figure import Figure

        self._side = side
        self._measures = measures
        self._width = measures.left + columns * (measures.tile + measures.gap)
        self._height = measures.top + rows * (measures.tile + measures.caption)
        self._figure = Figure(figsize=(self._width, self._height), dpi=DOTS, facecolor="none")
        self._axes: Any = self._figure.add_axes((0, 0, 1, 1))
        self._axes.set(xlim=(0, self._width), ylim=(self._height, 0))
        self._axes.set_axis_off()
        self._tiles: list[tuple[Point, NDArray[np.uint8]]] = []
        self._outlines: list[tuple[Point, Point]] = []

    def put(
        self, row: int, column: int, colours: NDArray[Any], mask: NDArray[np.bool_], caption: str | None = None
    ) -> None:
        """A picture ``[side,side,3]`` of values in [0,1], outlined where ``mask`` ``[side,side]`` ends."""
        left, top = self._corner(row, column)
        tile = self._measures.tile
        self._tiles.append(((left, top), (255 * colours).round().astype(np.uint8)))
        scale = tile / self._side
        for (x0, y0), (x1, y1) in borders(mask):
            self._outlines.append(((left + x0 * scale, top + y0 * scale), (left + x1 * scale, top + y1 * scale)))
        if caption:
            self._write(left + tile / 2, top + tile + 0.02, caption, self._measures.small, va="top")

    def name(self, row: int, text: str) -> None:
        """What stands left of a row."""
        _, top = self._corner(row, 0)
        self._write(
            self._measures.left - 0.08,
            top + self._measures.tile / 2,
            text,
            self._measures.text,
            ha="right",
            va="center",
        )

    def heading(self, column: int, text: str) -> None:
        """What stands above a column."""
        left, top = self._corner(0, column)
        self._write(left + self._measures.tile / 2, top - 0.05, text, self._measures.text, va="bottom")

    def title(self, text: str) -> None:
        """What stands above it all."""
        self._write(self._width / 2, 0.1, text, self._measures.title, va="top")

    def save(self, path: Path, facts: Mapping[str, str]) -> None:
        """Write the sheet as PNG with ``facts`` in it."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from PIL import Image
        from PIL.PngImagePlugin import PngInfo

        self._outline()
        canvas = FigureCanvasAgg(self._figure)
        canvas.draw()
        width, height = (round(value) for value in self._figure.bbox.size)
        dots = np.full((height, width, 3), 255, np.uint8)
        size = round(self._measures.tile * DOTS)
        nearest = (np.arange(size) * self._side) // size
        for (left, top), tile in self._tiles:
            x, y = round(left * DOTS), round(top * DOTS)
            dots[y : y + size, x : x + size] = tile[nearest][:, nearest]
        # The pictures are put under text and lines dot by dot: matplotlib would resample them, which takes seconds.
        sheet = Image.fromarray(dots).convert("RGBA")
        sheet.alpha_composite(Image.fromarray(np.asarray(canvas.buffer_rgba())))
        info = PngInfo()
        for name, fact in facts.items():
            info.add_text(name, fact)
        sheet.convert("RGB").save(path, format="png", pnginfo=info, compress_level=COMPRESSION)

    def figure(self) -> Figure:
        """The sheet as a figure for formats of vectors: text and outlines are, every picture is an image in it."""
        from matplotlib.image import AxesImage

        self._outline()
        self._figure.set_facecolor("white")
        size, times = self._measures.tile, -(-FINE // self._side)
        for (left, top), tile in self._tiles:
            extent = (left, left + size, top + size, top)
            image = AxesImage(self._axes, extent=extent, origin="upper", interpolation="none")
            image.set_data(tile.repeat(times, axis=0).repeat(times, axis=1))
            self._axes.add_image(image)
        return self._figure

    def _outline(self) -> None:
        from matplotlib.collections import LineCollection

        lines = LineCollection(self._outlines, colors=OUTLINE, linewidths=self._measures.line)
        self._axes.add_collection(lines, autolim=False)

    def _corner(self, row: int, column: int) -> Point:
        size = self._measures
        return size.left + column * (size.tile + size.gap), size.top + row * (size.tile + size.caption)

    def _write(self, x: float, y: float, text: str, size: float, *, va: str, ha: str = "center") -> None:
        self._axes.text(x, y, text, fontsize=size, ha=ha, va=va)
