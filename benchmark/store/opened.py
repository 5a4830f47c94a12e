"""A shard that stays on disk and is read in parts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from peephole.store.shard import checked_file


def parts(dataset: h5py.Dataset) -> Iterator[NDArray[Any]]:
    """A whole data set, chunk by chunk: what HDF5 cannot read, or finds damaged, raises OSError."""
    if dataset.chunks is None:
        yield dataset[()]
        return
    for place in dataset.iter_chunks():
        yield dataset[place]


class OpenShard:
    """Arrays of a shard, read when they are asked for.

    Args:
        path: of the file, which has been compared with its receipt.

    Raises:
        UnknownEncoding: the file is no shard, or one of an encoding that this version does not know.
    """

    def __init__(self, path: Path) -> None:
        self._file: h5py.File = checked_file(path)

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """Whatever was written beside the arrays."""
        facts: dict[str, Any] = json.loads(self._file.attrs["facts"])
        return facts

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the arrays, in the order in which they were written."""
        return tuple(json.loads(self._file.attrs["names"]))

    def group(self, prefix: str) -> tuple[str, ...]:
        """The names under ``prefix/``, without it."""
        start = f"{prefix}/"
        return tuple(name.removeprefix(start) for name in self.names if name.startswith(start))

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of an array."""
        shape: tuple[int, ...] = self._file[name].shape
        return shape

    def read(self, name: str) -> NDArray[Any]:
        """A whole array."""
        array: NDArray[Any] = self._file[name][()]
        return array

    def take(self, name: str, places: NDArray[np.int64]) -> NDArray[Any]:
        """The entries of an array at ascending ``places`` of its first axis; nothing far from them is read."""
        if not len(places):
            return np.asarray(self._file[name][:0])
        first = int(places[0])
        span: NDArray[Any] = self._file[name][first : int(places[-1]) + 1]
        return span if len(span) == len(places) else span[places - first]

    def parts(self, name: str) -> Iterator[NDArray[Any]]:
        """A whole array, chunk by chunk."""
        yield from parts(self._file[name])

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
