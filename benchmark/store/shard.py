"""Shards: named arrays and facts in one HDF5 file. How they are encoded, and nothing else.

Every group says its encoding and version. Arrays lie in chunks of a few pictures, shuffled and compressed (zstd where
`hdf5plugin` is installed, gzip where not; small arrays neither), with a Fletcher-32 checksum in each chunk. Facts are
one JSON text.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from peephole.attacks.interruption import deferred
from peephole.hdf5_files import Unreadable, UnsafeFile, load_filters, open_hdf5
from peephole.store.sink import Sink

ENCODING = "peephole-shard"
ENCODING_VERSION = 1
ZSTD_LEVEL = 3
GZIP_LEVEL = 4
CHUNK_BYTES = 512 * 1024
"""A chunk's aim: every chunk costs its own set-up of the filters, and a reader of one picture reads its whole chunk."""
SMALL_BYTES = 32 * 1024
"""What is smaller lies in one chunk uncompressed: setting up the filters would take longer than the disk saves."""


class UnknownEncoding(Unreadable):
    """A shard that is whole and was written by another version: neither to be read nor to be made again."""


@dataclass(frozen=True)
class Shard:
    """The result of one unit.

    Attributes:
        arrays: by name; a name with slashes (``maps/layer2.0``) lies in groups.
        facts: whatever JSON can hold.
    """

    arrays: Mapping[str, NDArray[Any]]
    facts: Mapping[str, Any] = field(default_factory=dict)

    def group(self, prefix: str) -> dict[str, NDArray[Any]]:
        """The arrays under ``prefix/``, by the rest of their names, in the order in which they were written."""
        start = f"{prefix}/"
        return {name.removeprefix(start): array for name, array in self.arrays.items() if name.startswith(start)}


def arrays_digest(arrays: Mapping[str, NDArray[Any]]) -> str:
    """A digest of names, types, shapes and bits of arrays: 16 hexadecimal digits; their order does not count."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()[:16]


def write_shard(path: Path, shard: Shard) -> None:
    """Write ``shard`` to the new file ``path``. Signals wait until it is written: HDF5 cannot be interrupted.

    Raises:
        OSError: the disk is full, failing or not writable.
    """
    with deferred(), Sink(path) as sink, h5py.File(sink, "w", track_order=True) as file:
        file.attrs["encoding"] = ENCODING
        file.attrs["encoding_version"] = ENCODING_VERSION
        file.attrs["facts"] = json.dumps(shard.facts, sort_keys=True)
        file.attrs["names"] = json.dumps(list(shard.arrays))
        for name, array in shard.arrays.items():
            _write_array(file, name, np.asarray(array))
            if sink.error is not None:
                break


def read_shard(path: Path) -> Shard:
    """Read a shard whole.

    Raises:
        UnknownEncoding: the file is no shard, or one of an encoding that this version does not know.
        OSError: the file is damaged.
    """
    with checked_file(path) as file:
        names = json.loads(file.attrs["names"])
        return Shard({name: file[name][()] for name in names}, json.loads(file.attrs["facts"]))


def checked_file(path: Path) -> h5py.File:
    """Open the file of a shard to read from it.

    Raises:
        UnknownEncoding: the file is no shard, or one of an encoding that this version does not know.
        UnsafeFile: it is none that a run wrote; MissingFilter: this environment cannot read it. See `open_hdf5`.
        OSError: the file is damaged.
    """
    label = f"store/{path.parent.name}/{path.name}"
    file = open_hdf5(path, label)
    encoding, version = file.attrs.get("encoding"), file.attrs.get("encoding_version")
    known = encoding == ENCODING and version == ENCODING_VERSION
    if known and not _is_laid_out(file):
        file.close()
        raise UnsafeFile(f"{label} does not hold the arrays and facts that it names; take the file away.")
    if not known:
        file.close()
        raise UnknownEncoding(
            f"{label} is encoded as {encoding} version {version}, this version of "
            f"peephole reads {ENCODING} version {ENCODING_VERSION}; use the one that wrote it, or another output "
            "folder."
        )
    return file


def _is_laid_out(file: h5py.File) -> bool:
    """Whether the names are those of arrays, and the facts are some."""
    try:
        names, facts = json.loads(file.attrs["names"]), json.loads(file.attrs["facts"])
        return isinstance(facts, dict) and all(isinstance(file[name], h5py.Dataset) for name in names)
    except (KeyError, TypeError, ValueError, RecursionError, AttributeError):
        return False


def _write_array(file: h5py.File, name: str, array: NDArray[Any]) -> None:
    if array.ndim == 0 or array.size == 0:
        dataset = file.create_dataset(name, data=array)  # HDF5 can neither chunk nor compress these
    elif array.nbytes <= SMALL_BYTES:
        dataset = file.create_dataset(name, data=array, chunks=array.shape, fletcher32=True)
    else:
        chunks = _chunks(array.shape, CHUNK_BYTES // array.itemsize)
        dataset = file.create_dataset(name, data=array, chunks=chunks, shuffle=True, fletcher32=True, **_compression())
    dataset.attrs["encoding_version"] = ENCODING_VERSION


def _chunks(shape: tuple[int, ...], most: int) -> tuple[int, ...]:
    """The shape of chunks of at most ``most`` entries, the last axes kept whole and another cut in even parts."""
    chunks: list[int] = []
    for side in reversed(shape):
        pieces = math.ceil(side / max(1, most // math.prod(chunks)))
        chunks.append(math.ceil(side / pieces))
    return tuple(reversed(chunks))


def _compression() -> dict[str, Any]:
    if not load_filters():
        return {"compression": "gzip", "compression_opts": GZIP_LEVEL}
    import hdf5plugin

    return dict(hdf5plugin.Zstd(clevel=ZSTD_LEVEL))
