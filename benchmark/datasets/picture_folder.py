"""Pictures that lie in folders named after their class: ``<root>/<class>/<picture>``."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from peephole.datasets.base import Pictures
from peephole.errors import PeepholeError

Fit = Callable[[Image.Image], Image.Image]

_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
_CHUNK = 256


@dataclass(frozen=True)
class PictureFolder:
    """One folder of class folders, listed but not read.

    Attributes:
        root: the folder.
        names: for each class folder, sorted, its sorted picture names. Hidden files and files whose suffix is not a
            picture's do not count; classes without pictures do.
    """

    root: Path
    names: dict[str, tuple[str, ...]]

    @classmethod
    def scan(cls, root: Path) -> PictureFolder:
        """List ``root``; a folder that does not exist has no classes. Opens no picture."""
        if not root.is_dir():
            return cls(root, {})
        classes = sorted(entry.name for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))
        return cls(root, {name: tuple(sorted(filter(_is_picture, _listed(root / name)))) for name in classes})

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names; a label is an index into them."""
        return tuple(self.names)

    def __len__(self) -> int:
        return sum(map(len, self.names.values()))

    @cached_property
    def sizes(self) -> list[tuple[str, int]]:
        """Each picture's name relative to the root, with slashes, and its size in bytes; sorted by class and name."""
        sizes = {kind: _sizes(self.root / kind) for kind in self.names}
        return [(f"{kind}/{name}", sizes[kind][name]) for kind, names in self.names.items() for name in names]

    def load(self, side: int, fit: Fit | None = None) -> Pictures:
        """Decode everything on all cores, to RGB.

        Args:
            side: height and width of the result.
            fit: makes a picture ``side`` by ``side``; without it, pictures have to be.

        Returns:
            uint8 pictures ``[N,3,side,side]`` sorted by class and name, and their labels.

        Raises:
            PeepholeError: a picture cannot be decoded or has another size.
        """
        paths = [f"{self.root}/{kind}/{name}" for kind, names in self.names.items() for name in names]
        images = np.empty((len(paths), 3, side, side), np.uint8)

        def fill(start: int) -> None:
            for index in range(start, min(start + _CHUNK, len(paths))):
                images[index] = decode(paths[index], side, fit)

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for _ in pool.map(fill, range(0, len(paths), _CHUNK)):
                pass
        counts = [len(names) for names in self.names.values()]
        return Pictures(images, np.repeat(np.arange(len(counts), dtype=np.int64), counts))


def decode(path: str, side: int, fit: Fit | None = None) -> NDArray[np.uint8]:
    """Read one picture file as RGB, uint8 ``[3,side,side]``.

    Raises:
        PeepholeError: the file is no whole picture, or has another size.
    """
    try:
        with Image.open(path) as picture:
            rgb = picture.convert("RGB")
    # Pillow reports broken files as OSError, broken PNG chunks as SyntaxError and odd headers as ValueError.
    except (OSError, SyntaxError, ValueError) as error:
        raise PeepholeError(
            f"picture {path} cannot be read ({_one_line(error)}); expected a whole picture file; unpack the data again"
        ) from error
    if fit is not None:
        rgb = fit(rgb)
    if rgb.size != (side, side):
        width, height = rgb.size
        raise PeepholeError(
            f"picture {path} is {width}x{height} pixels; expected {side}x{side}; remove it or unpack the data again"
        )
    return np.asarray(rgb).transpose(2, 0, 1)


def _is_picture(name: str) -> bool:
    return name.lower().endswith(_SUFFIXES) and not name.startswith(".")


def _listed(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries]


def _sizes(folder: Path) -> dict[str, int]:
    with os.scandir(folder) as entries:
        return {entry.name: entry.stat().st_size for entry in entries}


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
