"""Pictures of any size made square, and boxes with them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# A resized picture beyond this is longer than wide by a factor that no photograph has.
_MOST_PIXELS = 2**26


@dataclass(frozen=True)
class CentreCrop:
    """The shorter side resized to ``shorter`` pixels, then the ``side`` by ``side`` pixels in the centre.

    The same arithmetic as torchvision's ``Resize`` (bilinear with antialias, on Pillow pictures) and ``CenterCrop``,
    so that weights trained elsewhere see the pixels they were validated on.

    Attributes:
        side: height and width of the result.
        shorter: what the shorter side becomes first, at least ``side``.
    """

    side: int
    shorter: int

    @classmethod
    def usual(cls, side: int) -> CentreCrop:
        """The proportion 256 to 224, with which the ImageNet classifiers since AlexNet are validated."""
        return cls(side, round(side * 256 / 224))

    def __str__(self) -> str:
        """What enters the identity of a data set."""
        return f"shorter side {self.shorter} bilinear, centre {self.side}"

    def __call__(self, picture: Image.Image) -> Image.Image:
        """Resize and crop.

        Raises:
            ValueError: the picture is so long and thin that the resized one would not fit into memory.
        """
        width, height = self._resized(*picture.size)
        if width * height > _MOST_PIXELS:
            raise ValueError(f"{picture.width}x{picture.height} would become {width}x{height} pixels first")
        left, top = self._corner(width, height)
        resized = picture.resize((width, height), Image.Resampling.BILINEAR)
        return resized.crop((left, top, left + self.side, top + self.side))

    def box(self, edges: tuple[float, float, float, float], size: tuple[int, int]) -> NDArray[np.int64]:
        """Where a box of the picture lies in the result.

        Args:
            edges: left, top, right and bottom as shares of the picture's width and height, in [0,1].
            size: the picture's width and height.

        Returns:
            int64 ``[4]`` as (left, top, right, bottom), right and bottom exclusive, every pixel that the box touches;
            all zero if the crop leaves nothing of it.
        """
        resized = np.array(self._resized(*size) * 2)
        corner = np.array(self._corner(*self._resized(*size)) * 2)
        exact = np.asarray(edges) * resized - corner
        # What a float is short of an edge is no pixel more.
        outer = np.concatenate([np.floor(exact[:2] + 1e-6), np.ceil(exact[2:] - 1e-6)])
        inside = np.clip(outer, 0, self.side).astype(np.int64)
        return inside if (inside[2:] > inside[:2]).all() else np.zeros(4, np.int64)

    def _resized(self, width: int, height: int) -> tuple[int, int]:
        longer = int(self.shorter * max(width, height) / min(width, height))
        return (self.shorter, longer) if width <= height else (longer, self.shorter)

    def _corner(self, width: int, height: int) -> tuple[int, int]:
        return round((width - self.side) / 2), round((height - self.side) / 2)
