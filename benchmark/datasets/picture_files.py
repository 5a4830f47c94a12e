"""Pictures that stay in their files until they are asked for."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from peephole.datasets.centre_crop import CentreCrop
from peephole.datasets.decoding import decode

_CHUNK = 32


class PictureFiles:
    """For reading, what a uint8 array ``[N,3,side,side]`` is, but each picture is decoded when it is indexed.

    Indexing is single-threaded; who wants many at once lets the workers of a ``DataLoader`` index. A pickle holds the
    root and the names as two arrays, and so costs about forty bytes a picture; forked workers share them.

    Args:
        root: the folder that the names are relative to.
        names: the picture files, in order, with slashes.
        side: height and width of every picture.
        fit: makes a picture ``side`` by ``side``; without it, pictures have to be.
        upright: turn them as EXIF says that the camera was held.
    """

    dtype: ClassVar[np.dtype[np.uint8]] = np.dtype(np.uint8)
    ndim: ClassVar[int] = 4

    def __init__(
        self,
        root: str | os.PathLike[str],
        names: Iterable[str],
        side: int,
        fit: CentreCrop | None,
        *,
        upright: bool = False,
    ) -> None:
        self.root = os.fspath(root)
        self.side = side
        self.fit = fit
        self.upright = upright
        encoded = [os.fsencode(name) for name in names]
        # Not a list of texts: workers that only count references to it would copy all of it, page by page.
        self._text = b"".join(encoded)
        self._ends = np.cumsum([0, *map(len, encoded)], dtype=np.int64)

    def __len__(self) -> int:
        return len(self._ends) - 1

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """``(N, 3, side, side)``."""
        return len(self), 3, self.side, self.side

    @property
    def nbytes(self) -> int:
        """Bytes that all pictures would take, decoded."""
        return len(self) * 3 * self.side * self.side

    def path(self, index: int) -> str:
        """The file of picture ``index``, counted from 0."""
        return f"{self.root}/{os.fsdecode(self._text[self._ends[index] : self._ends[index + 1]])}"

    def __getitem__(self, index: SupportsIndex | slice | list[int] | NDArray[Any]) -> NDArray[np.uint8]:
        """Decode the pictures that numpy would take: one ``[3,side,side]``, or ``[K,3,side,side]`` in this order.

        Raises:
            PeepholeError: a picture cannot be decoded or has another size.
            IndexError: there is no such picture.
        """
        if isinstance(index, SupportsIndex) and getattr(index, "ndim", 0) == 0:  # arrays look like integers, too
            return decode(self.path(range(len(self))[operator.index(index)]), self.side, self.fit, upright=self.upright)
        chosen = np.arange(len(self))[index]
        images = np.empty((len(chosen), *self.shape[1:]), np.uint8)
        for place, number in enumerate(chosen.tolist()):
            images[place] = decode(self.path(number), self.side, self.fit, upright=self.upright)
        return images

    def __array__(self, dtype: np.dtype[Any] | None = None, copy: bool | None = None) -> NDArray[Any]:
        """All pictures at once, for whoever asks numpy for an array of them."""
        if copy is False:
            raise ValueError("pictures in files cannot become an array without a copy")
        return self.decoded().astype(dtype or self.dtype, copy=False)

    def decoded(self) -> NDArray[np.uint8]:
        """All pictures in memory, decoded on all cores."""
        images = np.empty(self.shape, np.uint8)

        def fill(start: int) -> None:
            images[start : start + _CHUNK] = self[start : start + _CHUNK]

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for _ in pool.map(fill, range(0, len(self), _CHUNK)):
                pass
        return images
