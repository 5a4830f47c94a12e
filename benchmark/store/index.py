"""Opening exports, and refusing those whose shards have gone."""

from __future__ import annotations

from pathlib import Path

import h5py

from peephole.errors import PeepholeError
from peephole.store.shard import load_filters

FORMAT = "peephole export"
VERSION = 1


def is_export(path: Path) -> bool:
    """Whether a file is an export, of whatever version."""
    try:
        with h5py.File(path, "r") as file:
            return bool(file.attrs.get("format") == FORMAT)
    except OSError:
        return False


def opened(path: str | Path) -> h5py.File:
    """An export, open to be read, with the filters that its shards need.

    HDF5 reads NaN where a linked shard is not found, and says nothing: here every shard that the file points to must be
    there, as long as it was. Damage within one is found by HDF5's checksums when it is read.

    Args:
        path: of a file that `peephole.store.export.export` wrote.

    Raises:
        PeepholeError: it is none, or of another version; or a shard that it points to has gone or been changed.
    """
    path = Path(path)
    load_filters()
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise PeepholeError(f"cannot read {path} ({str(error).splitlines()[0]}); expected an export.") from error
    found = file.attrs.get("format"), file.attrs.get("version")
    if found != (FORMAT, VERSION):
        file.close()
        raise PeepholeError(
            f"{path} is {found[0]} version {found[1]}, expected {FORMAT} version {VERSION}; write it anew with "
            "peephole store export."
        )
    if file.attrs["linked"] and (gone := _gone(file, path.parent)):
        file.close()
        raise PeepholeError(
            f"{path} points to {gone}, which is not there or not what it was; bring the store back to its place, or "
            "write the file anew with peephole store export."
        )
    return file


def _gone(file: h5py.File, folder: Path) -> str:
    """The first shard that is not as it was when the file was written."""
    table = file["tables/units"]
    for kind, digest, length in zip(
        table["kind"].asstr()[()], table["digest"].asstr()[()], table["bytes"], strict=True
    ):
        name = file.get(f"shards/{kind}/{digest}", getlink=True).filename
        shard = folder / name
        try:
            if shard.stat().st_size != length:
                return str(name)
        except OSError:
            return str(name)
    return ""
