"""A page of small pictures, maps and diagrams, laid out in inches from the upper left corner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from peephole.sheet import OUTLINE

Step = Literal["pre", "post"]

COLOURS = "RdBu_r"
"""Of signed maps: red for, blue against."""
WIDTH = 9.0
"""Inches: as many hundreds of pixels as a README is wide."""
DOTS = 150
ONE, OTHER, GREY, DARK = "#2166ac", "#d9700a", "#808080", "#222222"
"""Of the first map and the second one, of what is beside the point, of text."""
SMALL = 8.0
"""Points of the smallest text."""


class Page:
    """A page ``height`` inches high."""

    def __init__(self, height: float) -> None:
        self._height = height
        self._figure = Figure(figsize=(WIDTH, height), dpi=DOTS, facecolor="white")

    def axes(self, left: float, top: float, width: float, height: float) -> Any:
        """Axes for a diagram, without the lines above and to the right."""
        box = (left / WIDTH, 1 - (top + height) / self._height, width / WIDTH, height / self._height)
        axes: Any = self._figure.add_axes(box)
        axes.tick_params(labelsize=SMALL, length=2, pad=2)
        axes.spines[["top", "right"]].set_visible(False)
        return axes

    def write(self, left: float, top: float, text: str, size: float = SMALL, **style: Any) -> None:
        """Text, its upper edge at ``top``."""
        style = {"va": "top", "color": DARK, **style}
        self._figure.text(left / WIDTH, 1 - top / self._height, text, fontsize=size, **style)

    def heading(self, top: float, title: str, question: str, left: float = 0.1) -> None:
        """What begins a part of the page: a title, and what is asked."""
        self.write(left, top, title, 10.5, weight="bold")
        self.write(WIDTH - 0.1, top + 0.02, question, 9, ha="right", color=GREY, style="italic")

    def picture(
        self,
        left: float,
        top: float,
        size: float,
        picture: Tensor,
        caption: str = "",
        *,
        mask: Tensor | None = None,
        frame: str = GREY,
    ) -> Any:
        """A picture ``[C,H,W]`` in [0,1] with its truth outlined and a caption below."""
        return self._tile(left, top, size, picture.permute(1, 2, 0).clamp(0, 1).numpy(), caption, mask, frame)

    def map(
        self,
        left: float,
        top: float,
        size: float,
        relevance: Tensor,
        caption: str = "",
        *,
        mask: Tensor | None = None,
        frame: str = GREY,
        limit: float | None = None,
    ) -> Any:
        """A signed map ``[H,W]``, red for and blue against; ``limit`` is the deepest colour, else its own largest."""
        import matplotlib

        largest = float(relevance.abs().max()) if limit is None else limit
        colours = matplotlib.colormaps[COLOURS](0.5 + relevance.numpy() / (2 * (largest or 1.0)))
        return self._tile(left, top, size, colours[..., :3], caption, mask, frame)

    def bars(self, box: tuple[float, float, float, float], scores: Mapping[str, float], chance: float) -> Any:
        """A bar a map with its score, and a dashed line where chance is. ``box`` as of `axes`."""
        axes = self.axes(*box)
        values = list(scores.values())
        places = np.arange(len(values))[::-1]
        axes.barh(places, values, height=0.62, color=["#9ab8d4"] * len(values))
        axes.axvline(chance, color=DARK, linestyle=(0, (3, 2)), linewidth=1)
        low, high = min(0.0, *values), max(*values, 0.0)
        for place, value in zip(places, values, strict=True):
            text = axes.text(
                max(value, 0) + 0.03 * (high - low),
                place,
                f"{value:.2f}".replace("-0.00", "0.00"),
                va="center",
                fontsize=SMALL,
            )
            text.set_bbox({"facecolor": "white", "linewidth": 0, "pad": 0.6})
        axes.set(yticks=places, yticklabels=list(scores), xlim=(low, high + 0.3 * (high - low)), xticks=[])
        axes.spines[["bottom", "left"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
        return axes

    def save(self, path: Path) -> None:
        """Write the page as a PNG file of few colours: half as large, and none is missed."""
        from PIL import Image

        canvas = FigureCanvasAgg(self._figure)
        canvas.draw()
        page = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
        page.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(path, optimize=True)

    def _tile(
        self, left: float, top: float, size: float, colours: NDArray[Any], caption: str, mask: Tensor | None, frame: str
    ) -> Any:
        axes: Any = self.axes(left, top, size, size)
        height, width = colours.shape[:2]
        axes.imshow(colours, interpolation="nearest", extent=(0, width, height, 0), aspect="auto")
        axes.set(xticks=[], yticks=[])
        for spine in axes.spines.values():
            spine.set(visible=True, color=frame, linewidth=1.0 if frame == GREY else 2.2)
        if mask is not None:
            outline(axes, mask)
        if caption:
            self.write(left + size / 2, top + size + 0.05, caption, ha="center", color=DARK if frame == GREY else frame)
        return axes


def outline(axes: Any, mask: Tensor) -> None:
    """A line around what is true in ``mask`` ``[H,W]``, along the edges of the pixels."""
    fine = 8
    padded = np.pad(np.kron(mask.numpy().astype(float), np.ones((fine, fine))), 1)
    rows, columns = ((np.arange(length) - 0.5) / fine for length in padded.shape)
    axes.contour(columns, rows, padded, levels=[0.5], colors=OUTLINE, linewidths=1.0)
    axes.set(xlim=(0, mask.shape[1]), ylim=(mask.shape[0], 0))


def shade(axes: Any, x: Sequence[float], y: Sequence[float], colour: str, step: Step | None = None) -> None:
    """A curve and the area below it; ``step`` says whether each value holds before its place or after it."""
    axes.fill_between(x, y, color=colour, alpha=0.25, step=step, linewidth=0)
    axes.plot(x, y, color=colour, linewidth=1.6, drawstyle=f"steps-{step}" if step else "default")
