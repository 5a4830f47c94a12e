"""Tables in HDF5: groups of columns, one 1-D data set each, in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from peephole.store.shard import SMALL_BYTES

HOW_TO_READ = """\
Tables, with pandas:
    import h5py, pandas as pd
    with h5py.File({file!r}) as f:
        column = lambda c: c.asstr()[()] if h5py.check_string_dtype(c.dtype) else c[()]
        table = pd.DataFrame({{name: column(c) for name, c in f["tables/units"].items()}})
There are {tables}. Texts are UTF-8; a missing number is NaN, a missing text is empty.
"""


def write_table(parent: h5py.Group, name: str, columns: Mapping[str, Sequence[Any]]) -> None:
    """Write ``parent[name]``: a group with a data set ``[rows]`` a column: int64, bool or float64, or else texts.

    A column of whole numbers with gaps becomes float64, with NaN in them.
    """
    table = parent.create_group(name, track_order=True)
    for title, values in columns.items():
        column = _column(values)
        table.create_dataset(title, data=column, compression=None if column.nbytes <= SMALL_BYTES else "gzip")


def _column(values: Sequence[Any]) -> NDArray[Any]:
    kinds = {type(value) for value in values}
    if kinds <= {bool}:
        return np.array(values, dtype=bool)
    if kinds <= {int}:
        return np.array(values, dtype=np.int64)
    if kinds <= {int, float, type(None)}:
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    texts = np.char.encode(["" if value is None else str(value) for value in values], "utf-8")
    # Of one length: many short texts of any length would take several times the room.
    return texts.astype(h5py.string_dtype("utf-8", texts.dtype.itemsize))
