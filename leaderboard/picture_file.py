"""Scores picture by picture in one file beside the tables, so that boards can be compared; torch-free."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from peephole.errors import PeepholeError
from peephole.files import write_atomically
from peephole.hdf5_files import open_hdf5
from peephole.leaderboard.alignment import Condition, Lineup, Model, Pictures, in_order

PICTURES = "pictures.h5"
ENCODING = "peephole-pictures"
ENCODING_VERSION = 1
GZIP_LEVEL = 4
LEVELS = ("chance", "best")
MATRICES = ("value", "valid")


def write_pictures(lineup: Lineup, path: Path, tables: tuple[Path, Path]) -> None:
    """Write what a board was made of, for `read_pictures`. As tables, the file appears whole or not at all.

    A group a trigger, by its place in the alphabet, holds value and valid ``[M,R,P]`` of its M metrics, chance and best
    ``[M,P]`` and selection ``[P]``; ``facts`` is a JSON text of what the axes mean. Arrays are compressed with gzip,
    which needs no plug-in.

    Args:
        lineup: what `align` laid out.
        path: the file.
        tables: leaderboard.csv and scores.csv of the same cells, already written; the file keeps their SHA-256.

    Raises:
        PeepholeError: a table cannot be read or the file not be written.
    """
    try:
        write_atomically(path, partial(_write, lineup=lineup, digests=[digest_of(table) for table in tables]))
    except OSError as error:
        raise PeepholeError(f"cannot write {path} ({error.strerror}); choose another place with --out") from error


def read_pictures(path: Path, table: Path) -> Lineup:
    """Read what `write_pictures` wrote.

    Args:
        path: the file.
        table: leaderboard.csv or scores.csv, whichever is going to be compared.

    Raises:
        PeepholeError: there is no such file, it is damaged or of another version, or it belongs to other tables.
    """
    if not path.is_file():
        raise PeepholeError(f"there is no {path}; run the same suite once more to have it written")
    try:
        with open_hdf5(path, str(path)) as file:
            found = file.attrs.get("encoding"), file.attrs.get("encoding_version")
            if found != (ENCODING, ENCODING_VERSION):
                raise PeepholeError(
                    f"{path} is encoded as {found[0]} version {found[1]}, this version of peephole reads {ENCODING} "
                    f"version {ENCODING_VERSION}; run the same suite once more to have it written anew"
                )
            facts = json.loads(file["facts"][()].tobytes())
            if digest_of(table) not in facts["tables"]:
                raise PeepholeError(
                    f"{path} belongs to other tables than {table}; run the same suite once more to have both written"
                )
            return _lineup(file, facts)
    except OSError as error:
        reason = str(error).splitlines()[0]
        raise PeepholeError(f"{path} is damaged ({reason}); run the same suite once more to have it anew") from error


def digest_of(path: Path) -> str:
    """The SHA-256 of a file.

    Raises:
        OSError: it cannot be read.
    """
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _write(path: Path, *, lineup: Lineup, digests: list[str]) -> None:
    triggers = []
    with h5py.File(path, "w") as file:
        file.attrs["encoding"], file.attrs["encoding_version"] = ENCODING, ENCODING_VERSION
        for index, (trigger, pictures) in enumerate(lineup.pictures.items()):
            own = [condition for condition in lineup.conditions if condition.trigger == trigger]
            for name in (*MATRICES, *LEVELS):
                _write_array(file, f"{index}/{name}", np.stack([getattr(condition, name) for condition in own]))
            _write_array(file, f"{index}/selection", pictures.selection)
            triggers.append(
                {
                    "trigger": trigger,
                    "models": [asdict(model) for model in pictures.models],
                    "sizes": pictures.sizes,
                    "selection_sizes": pictures.selection_sizes,
                    "metrics": [[each.metric, each.core, each.direction] for each in own],
                }
            )
        facts = {"tables": digests, "subject": lineup.subject, "rows": lineup.rows, "triggers": triggers}
        # Not an attribute: HDF5 keeps those below 64 KiB, which the names of a thousand rows exceed.
        _write_array(file, "facts", np.frombuffer(json.dumps(facts).encode(), dtype=np.uint8))


def _write_array(file: h5py.File, name: str, array: NDArray[Any]) -> None:
    """One chunk a metric, so that a reader decompresses few and large ones."""
    chunks = array.shape if array.ndim < 3 else (1, *array.shape[1:])
    file.create_dataset(
        name, data=array, chunks=chunks, shuffle=True, fletcher32=True, compression="gzip", compression_opts=GZIP_LEVEL
    )


def _lineup(file: h5py.File, facts: dict[str, Any]) -> Lineup:
    pictures: dict[str, Pictures] = {}
    conditions = []
    for index, own in enumerate(facts["triggers"]):
        trigger = own["trigger"]
        pictures[trigger] = Pictures(
            models=tuple(Model(**model) for model in own["models"]),
            sizes=tuple(own["sizes"]),
            selection_sizes=tuple(own["selection_sizes"]),
            selection=file[f"{index}/selection"][()],
        )
        arrays = {name: file[f"{index}/{name}"][()] for name in (*MATRICES, *LEVELS)}
        conditions += [
            Condition(trigger, metric, core, direction, pictures[trigger], **{n: a[place] for n, a in arrays.items()})
            for place, (metric, core, direction) in enumerate(own["metrics"])
        ]
    subject = tuple(facts["subject"])
    rows = tuple((method, kind, layer) for method, kind, layer in facts["rows"])
    return Lineup((subject[0], subject[1], subject[2], subject[3]), rows, pictures, in_order(conditions))
