"""The CIFAR files "python version": pickled batches, read without letting a pickle run code."""

from __future__ import annotations

import codecs
import pickle
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from peephole.errors import PeepholeError

_SIDE = 32


def read_batch(path: Path, count: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Pictures uint8 ``[count,3,32,32]`` and labels int64 ``[count]`` of one file.

    Raises:
        PeepholeError: the file is truncated, holds something else or another number of pictures.
    """
    try:
        with path.open("rb") as file:
            batch = _Restricted(file, encoding="latin1").load()
        images, labels = np.asarray(batch["data"]), np.asarray(batch["labels"])
    # What unpickling raises on a truncated or foreign file depends on where it ends.
    except (pickle.UnpicklingError, OSError, EOFError, ValueError, TypeError, LookupError, AttributeError) as error:
        _broken(path, count, " ".join(str(error).split()) or type(error).__name__, error)
    if images.dtype != np.uint8 or images.shape != (count, 3 * _SIDE * _SIDE) or labels.shape != (count,):
        _broken(path, count, f"pictures {images.dtype}{list(images.shape)} and labels {list(labels.shape)}")
    return images.reshape(count, 3, _SIDE, _SIDE), labels.astype(np.int64)


def _broken(path: Path, count: int, found: str, cause: Exception | None = None) -> NoReturn:
    raise PeepholeError(
        f"{path} is no CIFAR batch: found {found}; expected {count:,} pictures of 3x32x32 bytes; "
        "unpack cifar-10-python.tar.gz again"
    ) from cause


class _Restricted(pickle.Unpickler):
    """Knows how to build an array of bytes, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in for a global that the pickle asks for."""
        if name in _ALLOWED.get(module, {}):
            return _ALLOWED[module][name]
        raise pickle.UnpicklingError(f"a pickle that asks for {module}.{name}")


def _byte_type(code: str, align: int = 0, copy: int = 1) -> np.dtype[np.uint8]:
    # numpy itself warns about the integers that old pickles give for align and copy.
    if code != "u1":
        raise pickle.UnpicklingError(f"an array of {code}")
    return np.dtype(np.uint8)


_RECONSTRUCT = {"_reconstruct": np.empty(0, np.uint8).__reduce__()[0]}
_ALLOWED: dict[str, dict[str, Any]] = {
    "numpy": {"ndarray": np.ndarray, "dtype": _byte_type},
    "numpy.core.multiarray": _RECONSTRUCT,
    "numpy._core.multiarray": _RECONSTRUCT,
    "_codecs": {"encode": codecs.encode},
}
