"""One picture file, decoded: always RGB, always of the side that was asked for, or an error that names the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from peephole.errors import PeepholeError

Fit = Callable[[Image.Image], Image.Image]

# Pillow reads more; some start other programs, or hold anything but a picture.
_FORMATS = ("JPEG", "PNG", "BMP", "DIB", "WEBP", "TIFF", "GIF", "PPM", "JPEG2000")
SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".bmp", ".dib", ".webp", ".tif", ".tiff", ".gif"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".j2k"),
)
"""Of files that are taken for pictures."""

_ORIENTATION, _SIDEWAYS = 0x0112, (5, 6, 7, 8)
"""What a camera notes of how it was held, and what it notes where width and height change places."""

# Where Pillow starts to warn of decompression bombs. ImageNet's largest picture has 61 million pixels.
_MOST_PIXELS = 89_478_485


def decode(path: str, side: int, fit: Fit | None = None, *, upright: bool = False) -> NDArray[np.uint8]:
    """Read one picture file as RGB, uint8 ``[3,side,side]``.

    As torchvision's image folders do: grey, palette and CMYK pictures are converted, transparency is dropped. A file
    that ends early is noticed, a changed bit inside a JPEG's pixels is not: that format has no checksum. Of what a
    camera adds to a JPEG (a small picture, another eye's) only the first is taken.

    Args:
        path: a JPEG, PNG, BMP, WebP, TIFF, GIF, PPM or JPEG 2000 file, whatever its suffix says.
        side: height and width of the result.
        fit: makes a picture ``side`` by ``side``; without it, the picture has to be.
        upright: turn it as EXIF says that the camera was held, which torchvision does not.

    Raises:
        PeepholeError: the file is no whole picture, holds several, has more than 8 bits a channel, or another size.
    """
    with _opened(path) as picture:
        picture.load()  # a TIFF is turned by this already, whose orientation is part of the format
        if upright:
            ImageOps.exif_transpose(picture, in_place=True)
        # Straight to RGB, Pillow would warn of a palette with transparency.
        shown = picture.convert("RGBA") if picture.mode == "P" and "transparency" in picture.info else picture
        rgb = shown.convert("RGB")
    if fit is not None:
        try:
            rgb = fit(rgb)
        except ValueError as error:
            raise PeepholeError(
                f"picture {path} cannot be made {side}x{side} ({error}); expected usual proportions; remove it"
            ) from error
    if rgb.size != (side, side):
        width, height = rgb.size
        raise PeepholeError(
            f"picture {path} is {width}x{height} pixels; expected {side}x{side}; remove it or unpack the data again"
        )
    return np.asarray(rgb).transpose(2, 0, 1).copy()


def picture_size(path: str, *, upright: bool = False) -> tuple[int, int]:
    """Width and height of a picture file, from its header alone.

    Args:
        path: of the file.
        upright: as `decode` has it.

    Raises:
        PeepholeError: the file does not start like a picture.
    """
    with _opened(path) as picture:
        width, height = picture.size
        turned = upright and picture.format != "TIFF" and picture.getexif().get(_ORIENTATION) in _SIDEWAYS
        return (height, width) if turned else (width, height)


@contextmanager
def _opened(path: str) -> Iterator[Image.Image]:
    """The picture in a file, not yet decoded; whatever goes wrong until it is closed is told in one line."""
    try:
        with Image.open(path, formats=_FORMATS) as picture:
            if picture.width * picture.height > _MOST_PIXELS:
                raise Image.DecompressionBombError(f"{picture.width}x{picture.height} pixels")
            frames = getattr(picture, "n_frames", 1)
            if frames > 1 and picture.format not in ("JPEG", "MPO"):
                raise PeepholeError(
                    f"picture {path} has {frames} frames; expected one; save the one that is meant by itself"
                )
            if picture.mode[0] in "IF":  # made 8 bits by Pillow, everything above 255 would be white
                raise PeepholeError(
                    f"picture {path} has more than 8 bits a channel (mode {picture.mode}); expected 8; convert it"
                )
            yield picture
    except PermissionError as error:
        raise PeepholeError(f"picture {path} may not be read; expected a readable file; change who may") from error
    # The warning is an exception where warnings are made errors.
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PeepholeError(
            f"picture {path} is too large ({_one_line(error)}); expected at most {_MOST_PIXELS:,} pixels; remove it"
        ) from error
    # Pillow reports broken files as OSError, broken PNG chunks as SyntaxError and odd headers as ValueError.
    except (OSError, SyntaxError, ValueError) as error:
        raise PeepholeError(
            f"picture {path} cannot be read ({_one_line(error)}); expected a whole picture file; unpack the data again"
        ) from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
