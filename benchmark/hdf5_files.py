"""HDF5 files opened to be read, whoever wrote them: without locks, and nothing that is outside or too large."""

from __future__ import annotations

import importlib.util
import math
import os
import stat
import sys
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import Any

import h5py

from peephole.errors import PeepholeError

FREE_BYTES = 256 * 1024 * 1024
"""What the arrays of any file may hold, however small it is."""
MOST_TIMES = 20_000
"""How many times as large as the file arrays may be beyond that: what zstd makes of equal numbers."""
MOST_OBJECTS = 100_000
NUMBERS = "biufc"
"""The kinds of numbers that arrays hold; text is kept in attributes."""


class Unreadable(PeepholeError):
    """A file that is not to be read here, and may be whole: never a reason to discard it."""


class UnsafeFile(Unreadable):
    """A file that points outside of itself, or is larger inside than it may be: nobody but a stranger writes such."""


class MissingFilter(Unreadable):
    """A file that is compressed with a filter which is not installed."""


def regular_file(path: Path, label: str) -> BufferedReader:
    """Open a regular file to read its bytes; links, pipes and devices are none.

    Args:
        path: of the file.
        label: what to call it.

    Raises:
        UnsafeFile: it is something else.
        OSError: it cannot be opened.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    if path.is_symlink():
        raise UnsafeFile(f"{label} is a symbolic link, expected a file; put the file itself there.")
    descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UnsafeFile(f"{label} is no regular file; take it away.")
    return os.fdopen(descriptor, "rb")


def load_filters() -> bool:
    """Importing `hdf5plugin` registers its filters with HDF5. Whether it is there."""
    if "hdf5plugin" not in sys.modules and importlib.util.find_spec("hdf5plugin") is None:
        return False
    import hdf5plugin  # noqa: F401

    return True


def open_hdf5(path: Path, label: str) -> h5py.File:
    """Open an HDF5 file to read arrays of numbers from it.

    No lock is taken: what is read here is written once, and renamed into place when it is whole. So it can be read on
    disks that have no locks.

    Args:
        path: of the file.
        label: what to call it.

    Raises:
        UnsafeFile: it is no regular file; or it has links to other files, arrays that lie elsewhere or are not all
            written, types other than numbers, or arrays that are too large for the file or for this machine.
        MissingFilter: an array is compressed with a filter that is not installed.
        OSError: HDF5 cannot read it.
    """
    load_filters()
    with regular_file(path, label) as found:
        length = os.fstat(found.fileno()).st_size
    file = h5py.File(path, "r", locking=False)
    try:
        _check(file, label, max(FREE_BYTES, MOST_TIMES * length))
    except BaseException:
        file.close()
        raise
    return file


def _check(file: h5py.File, label: str, most: int) -> None:
    most = min(most, _memory() // 2)
    total = 0
    for name, dataset in _datasets(file, label):
        what = f"{label} has an array '{name}'"
        if dataset.dtype.kind not in NUMBERS:
            raise UnsafeFile(f"{what} of {dataset.dtype}, expected numbers; take the file away.")
        total += math.prod(dataset.shape or (0,)) * dataset.dtype.itemsize
        if total > most:
            raise UnsafeFile(
                f"{what} of shape {dataset.shape}, with which it holds more than {most >> 20} MiB, expected less of a "
                "file of its length on this machine; take the file away."
            )
        plan = dataset.id.get_create_plist()
        if plan.get_layout() == h5py.h5d.VIRTUAL or plan.get_external_count():
            raise UnsafeFile(f"{what} that lies in other files, expected it in this one; take the file away.")
        for index in range(plan.get_nfilters()):
            code, _, _, title = plan.get_filter(index)
            if not h5py.h5z.filter_avail(code):
                raise MissingFilter(
                    f"{label} is compressed with the HDF5 filter {code} ({title.decode(errors='replace')}), which is "
                    "not installed here, expected hdf5plugin; the file is as it was: pip install hdf5plugin."
                )
        if not _is_written(dataset, plan):
            raise UnsafeFile(f"{what} that is not all written, expected all of it; take the file away.")


def _is_written(dataset: h5py.Dataset, plan: Any) -> bool:
    """Whether every number of an array lies in the file: HDF5 makes up those that do not."""
    if not dataset.shape or not dataset.size:
        return True
    if plan.get_layout() == h5py.h5d.CHUNKED:
        wanted = math.prod(math.ceil(side / step) for side, step in zip(dataset.shape, dataset.chunks, strict=True))
        return bool(dataset.id.get_num_chunks() == wanted)
    return bool(dataset.id.get_storage_size() == dataset.size * dataset.dtype.itemsize)


def _datasets(file: h5py.File, label: str) -> Iterator[tuple[str, h5py.Dataset]]:
    """The arrays of a file, by their paths; an object that is reached twice is looked at once."""
    groups: list[tuple[str, h5py.Group]] = [("", file)]
    seen = {h5py.h5o.get_info(file.id).addr}
    while groups:
        place, group = groups.pop()
        for name in group:
            path = f"{place}{name}"
            if group.id.links.get_info(name.encode(errors="surrogateescape")).type != h5py.h5l.TYPE_HARD:
                raise UnsafeFile(f"{label} has a link '{path}' to somewhere else, expected none; take the file away.")
            found = group[name]
            address = h5py.h5o.get_info(found.id).addr
            if address in seen:
                continue
            seen.add(address)
            if len(seen) > MOST_OBJECTS:
                raise UnsafeFile(f"{label} holds more than {MOST_OBJECTS} objects; take the file away.")
            if isinstance(found, h5py.Group):
                groups.append((f"{path}/", found))
            elif isinstance(found, h5py.Dataset):
                yield path, found


def _memory() -> int:
    """The bytes of this machine's memory, or plenty where it does not say."""
    try:
        return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return 1 << 36
