"""Opening exports, and refusing those whose shards have gone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import h5py

from peephole.errors import PeepholeError
from peephole.hdf5_files import UnsafeFile, load_filters, regular_file
from peephole.store.contents import STORE

FORMAT = "peephole export"
VERSION = 1


def is_export(path: Path) -> bool:
    """Whether a file is an export, of whatever version."""
    try:
        with _opened(path) as file:
            return bool(file.attrs.get("format") == FORMAT)
    except (OSError, UnsafeFile):
        return False


def opened(path: str | Path) -> h5py.File:
    """An export, open to be read, with the filters that its shards need.

    HDF5 reads NaN where a linked shard is not found, and says nothing: here every shard that the file points to must be
    there, as long as it was. Damage within one is found by HDF5's checksums when it is read. A file that points to
    anything else than shards is refused.

    Args:
        path: of a file that `peephole.store.export.export` wrote.

    Raises:
        PeepholeError: it is none, or of another version; or a shard that it points to has gone or been changed.
    """
    path = Path(path)
    load_filters()
    try:
        file = _opened(path)
    except OSError as error:
        raise PeepholeError(f"cannot read {path} ({str(error).splitlines()[0]}); expected an export.") from error
    try:
        _check(file, path)
    except BaseException:
        file.close()
        raise
    return file


def _opened(path: Path) -> h5py.File:
    with regular_file(path.resolve(), str(path)):
        return h5py.File(path, "r", locking=False)


def _check(file: h5py.File, path: Path) -> None:
    found = file.attrs.get("format"), file.attrs.get("version")
    if found != (FORMAT, VERSION):
        raise PeepholeError(
            f"{path} is {found[0]} version {found[1]}, expected {FORMAT} version {VERSION}; write it anew with "
            "peephole store export."
        )
    linked = _links(file, path) if file.attrs["linked"] else {}
    for name, array in _arrays(file, path, linked):
        outside = (
            {source.file_name for source in array.virtual_sources()} - {".", *linked.values()}
            if array.is_virtual
            else ()
        )
        if outside or array.external:
            raise UnsafeFile(f"{path} has an array '{name}' that lies in other files than shards; write it anew.")
    if linked and (gone := _gone(file, path.parent, linked)):
        raise PeepholeError(
            f"{path} points to {gone}, which is not there or not what it was; bring the store back to its place, or "
            "write the file anew with peephole store export."
        )


def _links(file: h5py.File, path: Path) -> dict[str, str]:
    """The files of the shards that an export points to, by kind and digest."""
    found = {}
    shards = file.get("shards", {})
    for kind in shards:
        for digest in shards[kind]:
            link = shards[kind].get(digest, getlink=True)
            own = isinstance(link, h5py.ExternalLink) and link.path == "/"
            if not own or (
                not link.filename.endswith(f"/{STORE}/{kind}/{digest}.h5")
                and link.filename != f"{STORE}/{kind}/{digest}.h5"
            ):
                raise UnsafeFile(
                    f"{path} has a link 'shards/{kind}/{digest}' to something else than that shard; write it anew."
                )
            found[f"{kind}/{digest}"] = link.filename
    return found


def _arrays(file: h5py.File, path: Path, linked: Mapping[str, str]) -> Iterator[tuple[str, h5py.Dataset]]:
    """The arrays of an export itself, by their paths; links are followed nowhere."""
    groups: list[tuple[str, h5py.Group]] = [("", file)]
    seen = {h5py.h5o.get_info(file.id).addr}
    while groups:
        place, group = groups.pop()
        for name in group:
            whole = f"{place}{name}"
            if whole.removeprefix("shards/") in linked:
                continue
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise UnsafeFile(f"{path} has a link '{whole}' to somewhere else, expected none; write it anew.")
            found = group[name]
            address = h5py.h5o.get_info(found.id).addr
            if isinstance(found, h5py.Dataset):
                yield whole, found
            elif isinstance(found, h5py.Group) and address not in seen:
                seen.add(address)
                groups.append((f"{whole}/", found))


def _gone(file: h5py.File, folder: Path, linked: Mapping[str, str]) -> str:
    """The first shard that is not as it was when the file was written."""
    table = file["tables/units"]
    for kind, digest, length in zip(
        table["kind"].asstr()[()], table["digest"].asstr()[()], table["bytes"], strict=True
    ):
        name = linked.get(f"{kind}/{digest}", f"{STORE}/{kind}/{digest}.h5")
        shard = folder / name
        try:
            if shard.is_symlink() or shard.stat().st_size != length:
                return name
        except OSError:
            return name
    return ""
