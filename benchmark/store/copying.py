"""Copying arrays from one HDF5 file to another, bit for bit, so that they are read without plugins."""

from __future__ import annotations

import hashlib
from typing import Any

import h5py

from peephole.store.opened import parts

GZIP_LEVEL = 1
"""Mantissas are noise: higher levels take four times as long and save one part in a hundred."""
_BUILT_IN = frozenset((h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32))
"""Filters that every HDF5 has."""


def copy_array(source: h5py.Dataset, target: h5py.Group, name: str) -> None:
    """Copy an array with its attributes to ``target[name]``.

    Chunks that every HDF5 can read are copied as they lie on disk. Of others only the compression is exchanged, for
    gzip: type, chunks, shuffling, checksums and values stay. A chunk at a time is in memory.
    """
    if _filters(source) <= _BUILT_IN:
        source.file.copy(source, target, name)
        return
    copied = target.create_dataset(
        name,
        shape=source.shape,
        dtype=source.dtype,
        chunks=source.chunks,
        shuffle=True,
        fletcher32=source.fletcher32,
        compression="gzip",
        compression_opts=GZIP_LEVEL,
    )
    for place in source.iter_chunks():
        copied[place] = source[place]
    for key, value in source.attrs.items():
        copied.attrs[key] = value


def array_digest(array: h5py.Dataset) -> bytes:
    """SHA-256 of type, shape and values, read chunk by chunk."""
    digest = hashlib.sha256(f"{array.dtype.str} {array.shape} {array.chunks}\n".encode())
    for part in parts(array):
        digest.update(part.tobytes())
    return digest.digest()


def _filters(dataset: h5py.Dataset) -> set[int]:
    made: Any = dataset.id.get_create_plist()
    return {made.get_filter(number)[0] for number in range(made.get_nfilters())}
