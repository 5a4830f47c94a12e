"""What a split holds, as one short text."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from peephole.datasets.base import Pictures
from peephole.datasets.picture_files import PictureFiles
from peephole.errors import PeepholeError

_CHUNK = 256


def content_digest(pictures: Pictures) -> str:
    """SHA-256 over types, shapes and bytes of pictures and labels, 64 hexadecimal digits; boxes and masks do not count.

    The same on every platform: bytes are hashed in little-endian C order, whatever order the arrays have.

    Pictures that stay in their files are not decoded for this: their digest is over each file's name (without its
    folders, for what those say is in the labels), size and bytes as they are stored, over the side, and over how
    pictures are turned and cropped to it. It therefore differs from the digest of the same pictures as an array.

    Raises:
        PeepholeError: a file cannot be read.
    """
    digest = hashlib.sha256()
    if isinstance(pictures.images, PictureFiles):
        for part in _encoded(pictures.images):
            digest.update(part)
    else:
        _add(digest, pictures.images)
    _add(digest, pictures.labels)
    return digest.hexdigest()


def fingerprint(sizes: Iterable[tuple[str, int]]) -> str:
    """16 hexadecimal digits over names and sizes of files, which are known without reading them."""
    digest = hashlib.sha256()
    for number, (name, size) in enumerate(sizes):
        digest.update(f"{chr(10) if number else ''}{name}\t{size}".encode(errors="surrogateescape"))
    return digest.hexdigest()[:16]


def _add(digest: Any, array: NDArray[Any]) -> None:
    portable = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    digest.update(f"{portable.dtype.str}{portable.shape}".encode())
    digest.update(portable.data)


def _encoded(files: PictureFiles) -> Iterator[bytes]:
    """One line a file; files are read by threads and forgotten."""

    def lines(start: int) -> bytes:
        return b"".join(_line(files.path(index)) for index in range(start, min(start + _CHUNK, len(files))))

    yield f"files{files.shape}{files.fit}{' upright' if files.upright else ''}\n".encode()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(lines, range(0, len(files), _CHUNK))


def _line(path: str) -> bytes:
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise PeepholeError(
            f"picture {path} cannot be read ({error.strerror}); expected a readable file; unpack the data again"
        ) from error
    return os.fsencode(f"{Path(path).name}\t{len(content)}\t{hashlib.sha256(content).hexdigest()}\n")
