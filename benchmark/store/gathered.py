"""The maps of all methods on a trigger at a layer, as one array: a virtual data set over shards."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from peephole.store.columns import write_table
from peephole.store.described import Described

MAPS, ROWS = "maps", "rows"
OTHER_SHAPES = "maps_of_other_shapes"
KINDS = ("maps", "calibration_maps")


@dataclass(frozen=True)
class Source:
    """Where an array lies.

    Attributes:
        of: the shard.
        layer: of the maps.
        file: ``.`` or the shard's, seen from the index.
        name: of the array in the file.
        shape: ``[N,T,c,h,w]``.
    """

    of: Described
    layer: str
    file: str
    name: str
    shape: tuple[int, ...]


def gather(index: h5py.File, sources: Iterable[Source]) -> None:
    """Write ``maps/TRIGGER/LAYER``, float32 ``[rows,N,T,c,h,w]``, and beside it the table ``rows/maps/TRIGGER/LAYER``.

    Rows are maps of one shape: that of the most pictures, and among those of the most rows. All others lie in
    ``maps_of_other_shapes/TRIGGER/LAYER/SHAPE``, with their rows in ``rows/maps_of_other_shapes/…``. What HDF5 cannot
    find reads as NaN.
    """
    groups: dict[tuple[str, str], dict[tuple[int, ...], list[Source]]] = {}
    for source in sources:
        place = (part(source.of.trigger), part(source.layer))
        groups.setdefault(place, {}).setdefault(source.shape, []).append(source)
    for (trigger, layer), shapes in groups.items():
        first = max(shapes, key=lambda shape: (shape[0], len(shapes[shape])))
        for shape, rows in shapes.items():
            name = f"{MAPS}/{trigger}/{layer}"
            if shape != first:
                name = f"{OTHER_SHAPES}/{trigger}/{layer}/{'x'.join(map(str, shape))}"
            _write(index, name, shape, rows)


def part(text: str) -> str:
    """A text as a part of a path in a file."""
    return text.replace("/", "%2F")


def relative(path: Path, folder: Path) -> str:
    """A shard's path as the index in ``folder`` names it: with slashes on every system."""
    return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()


def _write(index: h5py.File, name: str, shape: tuple[int, ...], rows: list[Source]) -> None:
    rows.sort(key=lambda row: (row.of.seed or 0, row.of.network, row.of.method, row.of.receipt.digest))
    layout = h5py.VirtualLayout((len(rows), *shape), np.float32)
    for number, row in enumerate(rows):
        layout[number] = h5py.VirtualSource(row.file, row.name, shape=shape, dtype=np.float32)
    index.create_virtual_dataset(name, layout, fillvalue=np.nan)
    index[name].attrs["rows"] = f"{ROWS}/{name}"
    columns: dict[str, list[Any]] = {
        "method": [row.of.method for row in rows],
        "seed": [row.of.seed for row in rows],
        "network": [row.of.network for row in rows],
        "kind": [row.of.receipt.kind for row in rows],
        "digest": [row.of.receipt.digest for row in rows],
    }
    write_table(index, f"{ROWS}/{name}", columns)
