"""Picture files that say what they were made from, and are left alone while that is the same."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from peephole.files import write_atomically
from peephole.sheet import KEY, is_current

COMPRESSION = 6

Pixels = Callable[[], NDArray[np.uint8]]
Palette = Callable[[], tuple[int, ...]]


def write_if_stale(path: Path, key: str, pixels: Pixels, palette: Palette | None = None) -> None:
    """Write a PNG file unless there is one with this key.

    Args:
        path: the file.
        key: says what the picture is made from.
        pixels: makes it: uint8 ``[H,W,3]``, or ``[H,W]`` of numbers of colours.
        palette: red, green and blue of those colours, one after the other.

    Raises:
        OSError: the file cannot be written.
    """
    if not is_current(path, key):
        write_atomically(path, partial(_write, key=key, pixels=pixels(), palette=palette and palette()), settle=False)


def _write(path: Path, *, key: str, pixels: NDArray[np.uint8], palette: tuple[int, ...] | None) -> None:
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    image: Any = Image.fromarray(pixels)
    if palette is not None:
        image.putpalette(list(palette))  # numbers of colours instead of greys from here on
    info = PngInfo()
    info.add_text(KEY, key)
    image.save(path, format="png", pnginfo=info, compress_level=COMPRESSION)
