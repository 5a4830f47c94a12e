"""The file of an export: shards, tables, maps."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import h5py
import pandas as pd

from peephole._version import __version__
from peephole.errors import UnknownName
from peephole.leaderboard.tables import LEADERBOARD, SCORES, read_csv
from peephole.store.columns import HOW_TO_READ, write_table
from peephole.store.contents import STORE
from peephole.store.copying import array_digest, copy_array
from peephole.store.described import Described
from peephole.store.gathered import KINDS, Source, gather, relative
from peephole.store.index import FORMAT, VERSION
from peephole.store.shard import checked_file
from peephole.store.sink import Sink
from peephole.store.store import Store
from peephole.store.summary import shard_facts

MAPS_TO_READ = """\
Maps, as float32 [rows, N, T, c, h, w]: f["maps/TRIGGER/LAYER"], whose rows f["rows/maps/TRIGGER/LAYER"] lists; those
of methods that were asked about fewer pictures lie in f["maps_of_other_shapes"].
Shards as they were written: f["shards/KIND/DIGEST"], with what made them in the attribute receipt.
"""
LINKED_TO_READ = """\
This file points to shards by relative paths: take it nowhere without them, import hdf5plugin before it is opened, and
open it with peephole.store.index.opened, which refuses it where they are gone; HDF5 alone reads NaN instead.
"""


def write_export(
    path: Path, *, name: Path, shards: Sequence[Described], folder: Path, layers: tuple[str, ...], link: bool
) -> None:
    """Write an export to ``path``, then read back what was copied.

    Args:
        path: where to write now.
        name: where the file will be.
        shards: sound ones.
        folder: the results that they are of.
        layers: of maps; all if none are named.
        link: point to the shards instead of copying them.

    Raises:
        OSError: the disk is full or failing.
        UnknownName: no shard has maps at one of the layers.
    """
    store = Store(folder / STORE)
    digests: dict[str, bytes] = {}
    sources: list[Source] = []
    known: set[str] = set()

    def takes(name: str) -> bool:
        """Whether an array of a shard is wanted."""
        prefix, _, layer = name.partition("/")
        if prefix == "maps":
            known.add(layer)
        return prefix != "maps" or not layers or layer in layers

    with Sink(path) as sink, h5py.File(sink, "w", libver=("earliest", "v110")) as file:
        file.attrs["format"], file.attrs["version"] = FORMAT, VERSION
        file.attrs["linked"], file.attrs["peephole_version"] = link, __version__
        for one in shards:
            if sink.error is not None:
                return  # it is raised when the sink is closed
            sources += (
                _linked(one, store, takes, name.parent, file) if link else _copied(one, store, takes, file, digests)
            )
        for layer in layers:
            if layer not in known:
                raise UnknownName("layer", layer, known)
        gather(file, sources)
        tables = {"units": _columns(shards, sources), **_boards(folder)}
        for title, columns in tables.items():
            write_table(file, f"tables/{title}", columns)
        text = HOW_TO_READ.format(file=name.name, tables=", ".join(f"tables/{title}" for title in tables))
        file.attrs["how_to_read"] = text + MAPS_TO_READ + LINKED_TO_READ * link
    with h5py.File(path, "r", locking=False) as written:
        for array, digest in digests.items():
            if array_digest(written[array]) != digest:
                raise OSError(f"{array} was not read back as it was written")


def _copied(
    one: Described, store: Store, takes: Callable[[str], bool], file: h5py.File, digests: dict[str, bytes]
) -> list[Source]:
    receipt = one.receipt
    place = f"shards/{receipt.kind}/{receipt.digest}"
    group = file.create_group(place)
    with checked_file(store.path(receipt.kind, receipt.digest)) as shard:
        names = [name for name in json.loads(shard.attrs["names"]) if takes(name)]
        for name in names:
            copy_array(shard[name], group, name)
            digests[f"{place}/{name}"] = array_digest(shard[name])
        shapes = {name: shard[name].shape for name in names}
        for key in ("encoding", "encoding_version", "facts"):
            group.attrs[key] = shard.attrs[key]
    group.attrs["names"] = json.dumps(names)
    group.attrs["receipt"] = json.dumps(asdict(receipt), sort_keys=True)
    return _sources(one, shapes, ".", f"/{place}/")


def _linked(one: Described, store: Store, takes: Callable[[str], bool], beside: Path, file: h5py.File) -> list[Source]:
    receipt = one.receipt
    path = store.path(receipt.kind, receipt.digest)
    place = relative(path, beside)
    file[f"shards/{receipt.kind}/{receipt.digest}"] = h5py.ExternalLink(place, "/")
    if receipt.kind not in KINDS:
        return []
    with checked_file(path) as shard:
        shapes = {name: shard[name].shape for name in json.loads(shard.attrs["names"]) if takes(name)}
    return _sources(one, shapes, place, "/")


def _sources(one: Described, shapes: Mapping[str, tuple[int, ...]], file: str, folder: str) -> list[Source]:
    """The maps of a shard, if it is one of maps."""
    return [
        Source(one, name.removeprefix("maps/"), file, f"{folder}{name}", shape)
        for name, shape in shapes.items()
        if one.receipt.kind in KINDS and name.startswith("maps/")
    ]


def _columns(shards: Sequence[Described], sources: Sequence[Source]) -> dict[str, list[Any]]:
    """A row a shard."""
    layers: dict[str, list[str]] = {}
    for source in sources:
        layers.setdefault(source.of.receipt.digest, []).append(source.layer)
    rows = [shard_facts(one) for one in shards]
    for one, row in zip(shards, rows, strict=True):
        row["layers"] = ",".join(layers.get(one.receipt.digest, one.layers))
        row["inputs"] = json.dumps(one.receipt.inputs, sort_keys=True)
    return {title: [row[title] for row in rows] for title in rows[0]}


def _boards(folder: Path) -> dict[str, dict[str, list[Any]]]:
    """The tables that the run wrote, if it came so far."""
    paths = {"leaderboard": folder / LEADERBOARD, "scores": folder / SCORES}
    frames = {title: read_csv(path) for title, path in paths.items() if path.exists()}
    return {title: {str(name): _values(column) for name, column in frame.items()} for title, frame in frames.items()}


def _values(column: pd.Series[Any]) -> list[Any]:
    return [None if missing else value for value, missing in zip(column.tolist(), column.isna(), strict=True)]
