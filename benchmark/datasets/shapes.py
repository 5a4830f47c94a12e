"""The embedded data set: ten figures, whatever their colour, texture, place, size and direction."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

import numpy as np

from peephole.datasets.base import DATASETS, Pictures, Split
from peephole.datasets.boxes import tight_boxes
from peephole.datasets.draws import Draws
from peephole.datasets.figures import FIGURES
from peephole.datasets.scene import DIFFICULTY, draw_block
from peephole.errors import PeepholeError

# Part of the identity: raise it whenever a picture changes.
GENERATOR = 1
_BLOCK = 100
# More would only hold more blocks in memory at once.
_THREADS = 8
_SMALLEST = 16


@DATASETS.register
class Shapes:
    """Ten textured, coloured figures on textured, coloured grounds, with masks and boxes; made from a seed in seconds.

    Classes are balanced. Place, size, direction, stretch, colour, texture, contrast, light, noise and clutter are
    drawn without looking at the class, and all figures have the same area. The whole figure is always inside the
    picture; now and then a stroke covers a part of it. ``masks`` is what remains visible, ``boxes`` is tight around
    it. A picture at another side is the same scene drawn natively at that side, with other noise. No pixel is pure
    white or black, so that no picture holds a trigger by accident. ResNet-8 gets 94 to 96 % right after eight epochs.

    Args:
        side: height and width in pixels, at least 16; 32 if None.
        folder: ignored, there is nothing to find.

    Raises:
        PeepholeError: the side is too small.
    """

    title: ClassVar[str] = "Shapes"
    source: ClassVar[str] = "made by peephole from a seed; no terms attached"
    counts: ClassVar[dict[Split, int]] = {"train": 10_000, "test": 3_000}
    seeds: ClassVar[dict[Split, int]] = {"train": 1, "test": 2}

    classes: tuple[str, ...] = tuple(FIGURES)
    mean: tuple[float, float, float] = (0.395, 0.395, 0.395)
    std: tuple[float, float, float] = (0.192, 0.192, 0.192)

    def __init__(self, *, side: int | None = None, folder: Path | None = None) -> None:
        self.side = 32 if side is None else side
        if self.side < _SMALLEST:
            raise PeepholeError(
                f"data set shapes cannot be drawn at side {self.side}; expected at least {_SMALLEST}; "
                "choose a larger side"
            )

    def identity(self) -> dict[str, str | int]:
        """Generator version, seeds, side and counts: they determine every pixel."""
        return {
            "generator": GENERATOR,
            "side": self.side,
            **{f"{split}_seed": seed for split, seed in self.seeds.items()},
            **{f"{split}_count": count for split, count in self.counts.items()},
        }

    def load(self, split: Split) -> Pictures:
        """Draw one split, a block of pictures a thread; a block depends on the seed and its number alone."""
        count, side = self.counts[split], self.side
        images, labels = np.empty((count, 3, side, side), np.uint8), np.empty(count, np.int64)
        masks = np.empty((count, side, side), np.bool_)

        def fill(start: int) -> None:
            draws = Draws((GENERATOR, self.seeds[split], start), _BLOCK)
            label = draws.order(_BLOCK // len(self.classes), len(self.classes))
            image, mask = draw_block(label, draws, side, DIFFICULTY)
            here = slice(start, min(start + _BLOCK, count))
            size = here.stop - here.start
            images[here], labels[here], masks[here] = image[:size], label[:size], mask[:size]

        with ThreadPoolExecutor(min(_THREADS, os.cpu_count() or 1)) as pool:
            for _ in pool.map(fill, range(0, count, _BLOCK)):
                pass
        return Pictures(images, labels, tight_boxes(masks), masks)
