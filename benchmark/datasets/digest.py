"""What a split holds, as one short text."""

from __future__ import annotations

import hashlib

import numpy as np

from peephole.datasets.base import Pictures


def content_digest(pictures: Pictures) -> str:
    """SHA-256 over types, shapes and bytes of pictures and labels, 64 hexadecimal digits; boxes and masks do not count.

    The same on every platform: bytes are hashed in little-endian C order, whatever order the arrays have.
    """
    digest = hashlib.sha256()
    for array in (pictures.images, pictures.labels):
        portable = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        digest.update(f"{portable.dtype.str}{portable.shape}".encode())
        digest.update(portable.data)
    return digest.hexdigest()
